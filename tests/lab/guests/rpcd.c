/*
 * What a kernel that serves NFS needs beside it, for the guests of the lab: a port mapper (100000
 * version 2), a mount daemon (100005) and a status monitor (100024), over UDP and TCP.
 *
 * `rpcd DOMAIN`: the exports of the client DOMAIN are those that somebody has told nfsd of; who
 * mounts a path gets the handle that nfsd has for it. There is no security here, nor any state but
 * the ports. Each call is one fragment, and small.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WORDS 256
#define MAX_PORTS 64
#define MAX_POLLED 64
#define PORTMAP 111
#define MOUNT_PORT 20048
#define STATUS_PORT 662
#define NFS_PORT 2049

enum { PROG_PORTMAP = 100000, PROG_NFS = 100003, PROG_MOUNT = 100005, PROG_STATUS = 100024 };
enum { SUCCESS, PROG_UNAVAIL, PROG_MISMATCH, PROC_UNAVAIL };

static struct port {
    uint32_t program, version, protocol, port;
} ports[MAX_PORTS];
static int port_count;
static const char *domain;

static uint32_t port_of(uint32_t program, uint32_t version, uint32_t protocol)
{
    for (int i = 0; i < port_count; i++)
        if (ports[i].program == program && ports[i].version == version &&
            ports[i].protocol == protocol)
            return ports[i].port;
    return 0;
}

static void port_set(uint32_t program, uint32_t version, uint32_t protocol, uint32_t port)
{
    if (port_count < MAX_PORTS)
        ports[port_count++] = (struct port){program, version, protocol, port};
}

/* Bytes of nfsd's handle of a path; 0 when it has none. */
static size_t handle_of(const char *path, unsigned char *handle)
{
    char text[512];
    int fd = open("/proc/fs/nfsd/filehandle", O_RDWR);

    if (fd < 0)
        return 0;
    int length = snprintf(text, sizeof text, "%s %s 64\n", domain, path);
    ssize_t got = write(fd, text, (size_t)length) == length ? read(fd, text, sizeof text - 1) : 0;
    close(fd);
    size_t size = 0;
    /* \x and hexadecimal digits */
    if (got > 2)
        for (text[got] = 0; size < 64 && sscanf(text + 2 + 2 * size, "%2hhx", handle + size) == 1;)
            size++;
    return size;
}

/* The words of an answer to call[0..count) that follow the head of an accepted reply. */
static int portmap(const uint32_t *call, int count, uint32_t procedure, uint32_t *answer)
{
    if (procedure == 0)
        return 0;
    if (count < 4)
        return -PROC_UNAVAIL;
    if (procedure == 3) {
        answer[0] = port_of(call[0], call[1], call[2]);
    } else if (procedure == 1 || procedure == 2) {
        if (procedure == 1)
            port_set(call[0], call[1], call[2], call[3]);
        answer[0] = 1;
    } else {
        return -PROC_UNAVAIL;
    }
    return 1;
}

static int mount_path(const uint32_t *call, int count, uint32_t procedure, uint32_t *answer)
{
    char path[256] = "";
    unsigned char handle[64] = {0};

    if (procedure != 1)
        return 0;
    if (count < 1 || call[0] >= sizeof path || (int)(call[0] + 3) / 4 > count - 1)
        return -PROC_UNAVAIL;
    for (uint32_t i = 0; i < (call[0] + 3) / 4; i++) {
        uint32_t word = htonl(call[1 + i]);
        memcpy(path + 4 * i, &word, 4);
    }
    path[call[0]] = 0;
    size_t size = handle_of(path, handle);
    int at = 0;
    answer[at++] = size ? 0 : 2;
    if (!size)
        return at;
    answer[at++] = (uint32_t)size;
    for (size_t i = 0; i < (size + 3) / 4; i++) {
        uint32_t word;
        memcpy(&word, handle + 4 * i, 4);
        answer[at++] = ntohl(word);
    }
    /* one flavor: AUTH_SYS */
    answer[at++] = 1;
    answer[at++] = 1;
    return at;
}

static int status(uint32_t procedure, uint32_t *answer)
{
    if (procedure == 0)
        return 0;
    /* monitored; state 1 */
    answer[0] = 0;
    answer[1] = 1;
    return 2;
}

/* Words of the reply to a call; 0 for what is no call. */
static int answer_call(const uint32_t *call, int count, uint32_t *reply)
{
    if (count < 10 || call[1] != 0)
        return 0;
    uint32_t program = call[3], version = call[4], procedure = call[5];
    /* credentials and verifier: flavor, length, bytes */
    int at = 6;
    for (int i = 0; i < 2; i++) {
        if (at + 2 > count || call[at + 1] > 400)
            return 0;
        at += 2 + (int)(call[at + 1] + 3) / 4;
    }
    if (at > count)
        return 0;
    uint32_t answer[WORDS] = {0};
    int words;
    if (program == PROG_PORTMAP)
        words = version == 2 ? portmap(call + at, count - at, procedure, answer) : -PROG_MISMATCH;
    else if (program == PROG_MOUNT)
        words =
            version == 3 ? mount_path(call + at, count - at, procedure, answer) : -PROG_MISMATCH;
    else if (program == PROG_STATUS)
        words = status(procedure, answer);
    else
        words = -PROG_UNAVAIL;
    uint32_t head[] = {call[0], 1, 0, 0, 0, words < 0 ? (uint32_t)-words : SUCCESS};
    if (words == -PROG_MISMATCH) {
        answer[0] = answer[1] = program == PROG_PORTMAP ? 2 : 3;
        words = 2;
    } else if (words < 0) {
        words = 0;
    }
    memcpy(reply, head, sizeof head);
    memcpy(reply + 6, answer, sizeof *answer * (size_t)words);
    return 6 + words;
}

static int answer_bytes(unsigned char *bytes, ssize_t got)
{
    uint32_t call[WORDS], reply[WORDS + 6];
    int count = (int)(got / 4);

    for (int i = 0; i < count; i++) {
        memcpy(&call[i], bytes + 4 * i, 4);
        call[i] = ntohl(call[i]);
    }
    int words = answer_call(call, count, reply);
    for (int i = 0; i < words; i++) {
        uint32_t word = htonl(reply[i]);
        memcpy(bytes + 4 * i, &word, 4);
    }
    return 4 * words;
}

static void serve_datagram(int fd)
{
    unsigned char bytes[4 * (WORDS + 6)];
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t got = recvfrom(fd, bytes, 4 * WORDS, 0, (struct sockaddr *)&from, &length);
    int size = got > 0 ? answer_bytes(bytes, got) : 0;

    if (size && sendto(fd, bytes, (size_t)size, 0, (struct sockaddr *)&from, length) < 0)
        warn("sendto");
}

/* Whether the connection goes on. */
static int serve_stream(int fd)
{
    uint32_t mark;
    unsigned char bytes[4 * (WORDS + 7)];

    if (recv(fd, &mark, 4, MSG_WAITALL) != 4)
        return 0;
    uint32_t size = ntohl(mark) & 0x7fffffff;
    if (size > 4 * WORDS || recv(fd, bytes + 4, size, MSG_WAITALL) != (ssize_t)size)
        return 0;
    int words = answer_bytes(bytes + 4, (ssize_t)size);
    if (!words)
        return 0;
    mark = htonl(0x80000000 | (uint32_t)words);
    memcpy(bytes, &mark, 4);
    return write(fd, bytes, (size_t)words + 4) == words + 4;
}

static struct pollfd polled[MAX_POLLED];
static int polled_count;

static void open_port(uint16_t port, uint32_t program, uint32_t version)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

    for (int stream = 0; stream < 2; stream++) {
        int fd = socket(AF_INET, stream ? SOCK_STREAM : SOCK_DGRAM, 0);
        int on = 1;
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
            bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
            (stream && listen(fd, 8) < 0))
            err(1, "port %d", port);
        polled[polled_count++] = (struct pollfd){.fd = fd, .events = POLLIN};
        port_set(program, version, stream ? IPPROTO_TCP : IPPROTO_UDP, port);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2)
        errx(2, "usage: rpcd DOMAIN");
    domain = argv[1];
    open_port(PORTMAP, PROG_PORTMAP, 2);
    open_port(MOUNT_PORT, PROG_MOUNT, 3);
    open_port(STATUS_PORT, PROG_STATUS, 1);
    /* nfsd does not say so when it is given its port as here */
    port_set(PROG_NFS, 3, IPPROTO_TCP, NFS_PORT);
    int listening = polled_count;
    if (daemon(1, 1) < 0)
        err(1, "daemon");
    while (poll(polled, (nfds_t)polled_count, -1) >= 0) {
        for (int i = polled_count - 1; i >= 0; i--) {
            if (!polled[i].revents)
                continue;
            if (i >= listening) {
                if (!serve_stream(polled[i].fd)) {
                    close(polled[i].fd);
                    polled[i] = polled[--polled_count];
                }
            } else if (i % 2 == 0) {
                serve_datagram(polled[i].fd);
            } else {
                int fd = accept(polled[i].fd, NULL, NULL);
                if (fd >= 0 && polled_count < MAX_POLLED)
                    polled[polled_count++] = (struct pollfd){.fd = fd, .events = POLLIN};
                else if (fd >= 0)
                    close(fd);
            }
        }
    }
    err(1, "poll");
}
