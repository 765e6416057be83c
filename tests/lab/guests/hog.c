/*
 * Processes that have memory, for the guest "memory": `hog NAME KILOBYTES` has that much of its
 * own, no page like another, creates /run/ready/NAME, and then looks at all of it over and over
 * again when a third word is there, or waits.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define PAGE 4096

int main(int argc, char **argv)
{
    if (argc < 3)
        errx(2, "usage: hog NAME KILOBYTES [again]");
    size_t size = strtoul(argv[2], NULL, 10) * 1024;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char path[64];

    if (memory == MAP_FAILED)
        err(1, "mmap");
    prctl(PR_SET_NAME, argv[1]);
    snprintf(path, sizeof path, "/run/ready/%s", argv[1]);
    // It may never come to the end of its memory: it says that it is there before.
    if (argc > 3)
        close(open(path, O_CREAT | O_WRONLY, 0644));
    for (size_t round = 1;; round++) {
        for (size_t at = 0; at < size; at += PAGE)
            *(volatile size_t *)(memory + at) = at + round;
        if (argc == 3)
            break;
    }
    close(open(path, O_CREAT | O_WRONLY, 0644));
    for (;;)
        pause();
}
