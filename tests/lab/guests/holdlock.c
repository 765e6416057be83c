/*
 * `holdlock FILE START LENGTH`: has that range of a file locked for writing until the machine ends,
 * for the guests of the lab.
 */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 4)
        errx(2, "usage: holdlock FILE START LENGTH");
    int fd = open(argv[1], O_RDWR);
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = atol(argv[2]), .l_len = atol(argv[3])};
    if (fd < 0 || fcntl(fd, F_SETLKW, &lock) < 0)
        err(1, "%s", argv[1]);
    for (;;)
        pause();
}
