#define _GNU_SOURCE
#include "CWarden.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

static const int passed_on[] = {SIGTERM, SIGINT, SIGHUP};
enum { passed_on_count = sizeof passed_on / sizeof *passed_on };

static volatile sig_atomic_t wanted[passed_on_count];
/// Written to by the handler, whichever thread it runs on, to end a wait.
static int wake[2];

static void note(int number) {
    int failure = errno;
    for (int index = 0; index < passed_on_count; index++) {
        if (passed_on[index] == number) wanted[index] = 1;
    }
    // SIGCHLD has no other use. A full pipe ends the wait as well.
    (void)!write(wake[1], "", 1);
    errno = failure;
}

static _Noreturn void become(char *const command[], pid_t warden) {
    setsid();
#ifdef __linux__
    // Without the warden nobody would end it.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != warden) _exit(125);
    for (int index = 0; index < passed_on_count; index++) signal(passed_on[index], SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(command[0], command);
    int failure = errno;
    dprintf(STDERR_FILENO, "%s cannot be run: %s\n", command[0], strerror(failure));
    _exit(failure == ENOENT ? 127 : 126);
}

/// Sends SIGKILL to every child of this process, as far as the system tells which they are.
static void kill_children(void) {
#ifdef __linux__
    DIR *processes = opendir("/proc");
    if (processes == NULL) return;
    pid_t own = getpid();
    for (struct dirent *entry; (entry = readdir(processes)) != NULL;) {
        if (!isdigit((unsigned char)entry->d_name[0])) continue;
        char path[64], text[512];
        snprintf(path, sizeof path, "/proc/%.20s/stat", entry->d_name);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0) continue;
        ssize_t count = read(file, text, sizeof text - 1);
        close(file);
        if (count <= 0) continue;
        text[count] = 0;
        // proc(5): the name in parentheses may hold anything; behind the last one come the state and the parent.
        char *name_end = strrchr(text, ')');
        char state;
        int parent;
        if (name_end == NULL || sscanf(name_end + 1, " %c %d", &state, &parent) != 2 || parent != own) continue;
        kill((pid_t)atol(entry->d_name), SIGKILL);
    }
    closedir(processes);
#endif
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

_Noreturn void shoal_warden(char *const command[]) {
#ifdef __linux__
    prctl(PR_SET_CHILD_SUBREAPER, 1);
#endif
    // The pipe goes where the command does not get it, and the command has an empty standard input.
    int held = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (held < 0 || empty < 0 || dup2(empty, STDIN_FILENO) < 0) _exit(125);

    if (pipe(wake) != 0) _exit(125);
    for (int index = 0; index < 2; index++) {
        fcntl(wake[index], F_SETFD, FD_CLOEXEC);
        fcntl(wake[index], F_SETFL, O_NONBLOCK);
    }
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (int index = 0; index < passed_on_count; index++) sigaction(passed_on[index], &action, NULL);
    sigaction(SIGCHLD, &action, NULL);
    signal(SIGPIPE, SIG_IGN);

    pid_t own = getpid();
    pid_t child = fork();
    if (child < 0) {
        dprintf(STDERR_FILENO, "%s cannot be run: %s\n", command[0], strerror(errno));
        _exit(126);
    }
    if (child == 0) become(command, own);
    // It ends by the command's signal, and has nothing to say itself.
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);

    int status = 0;
    bool has_ended = false, is_over = false;
    while (!has_ended && !is_over) {
        struct pollfd inputs[] = {{.fd = held, .events = POLLIN}, {.fd = wake[0], .events = POLLIN}};
        if (poll(inputs, 2, -1) < 0 && errno != EINTR) break;
        char bytes[256];
        if (inputs[0].revents != 0) {
            ssize_t count = read(held, bytes, sizeof bytes);
            is_over = count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN);
        }
        while (read(wake[0], bytes, sizeof bytes) > 0) {}
        for (int index = 0; index < passed_on_count; index++) {
            if (!wanted[index]) continue;
            wanted[index] = 0;
            // Before its setsid the command has no group of its own.
            if (kill(-child, passed_on[index]) != 0) kill(child, passed_on[index]);
        }
        int ended;
        for (pid_t found; (found = waitpid(-1, &ended, WNOHANG)) > 0;) {
            if (found == child) {
                has_ended = true;
                status = ended;
            }
        }
    }
    // Killing a process hands its children to this one, so it is done until there are none. What the kernel does not let go of
    // within ten seconds is left to it.
    for (double end = now() + 10; now() < end;) {
        // The number of a group that has ended may be another one's by now.
        if (!has_ended) kill(-child, SIGKILL);
        kill_children();
        int ended;
        pid_t found;
        while ((found = waitpid(-1, &ended, WNOHANG)) > 0) {
            if (found == child) {
                has_ended = true;
                status = ended;
            }
        }
        if (found < 0 && errno == ECHILD) break;
        struct timespec pause = {.tv_sec = 0, .tv_nsec = 2000000};
        nanosleep(&pause, NULL);
    }
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        sigset_t one;
        sigemptyset(&one);
        sigaddset(&one, WTERMSIG(status));
        sigprocmask(SIG_UNBLOCK, &one, NULL);
        raise(WTERMSIG(status));
    }
    _exit(has_ended && WIFEXITED(status) ? WEXITSTATUS(status) : 125);
}
