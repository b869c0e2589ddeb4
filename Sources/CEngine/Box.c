#define _GNU_SOURCE
#include "CBox.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <llama.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

bool shoal_library_folder(char *buffer, size_t capacity) {
    Dl_info info;
    char resolved[PATH_MAX];
    if (dladdr((void *)llama_backend_init, &info) == 0 || info.dli_fname == NULL || realpath(info.dli_fname, resolved) == NULL) {
        return false;
    }
    char *slash = strrchr(resolved, '/');
    if (slash == NULL || (size_t)(slash - resolved) >= capacity) {
        return false;
    }
    *slash = 0;
    strcpy(buffer, resolved);
    return true;
}

#if defined(__linux__)

bool shoal_box_process(void) {
    struct rlimit none = {0, 0};
    bool done = setrlimit(RLIMIT_CORE, &none) == 0;
    done = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && done;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && done;
}

// From linux/landlock.h of kernel 6.12: headers are often older than kernels.
enum {
    CREATE_RULESET = 444,
    ADD_RULE = 445,
    RESTRICT_SELF = 446,
    VERSION_FLAG = 1,
    PATH_BENEATH = 1,
};
#define FS_EXECUTE (1ULL << 0)
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE (1ULL << 2)
#define FS_READ_DIR (1ULL << 3)
#define FS_REMOVE_FILE (1ULL << 5)
#define FS_MAKE_REG (1ULL << 8)
#define FS_MAKE_SOCK (1ULL << 9)
#define FS_FIRST_VERSION ((1ULL << 13) - 1)
#define FS_REFER (1ULL << 13)
#define FS_TRUNCATE (1ULL << 14)
#define FS_IOCTL_DEVICE (1ULL << 15)
#define NET_BIND_AND_CONNECT 3ULL
#define SCOPE_SOCKETS_AND_SIGNALS 3ULL

struct ruleset {
    uint64_t files;
    uint64_t network;
    uint64_t scoped;
};

struct beneath {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

int shoal_landlock_version(void) {
    long version = syscall(CREATE_RULESET, NULL, 0, VERSION_FLAG);
    return version > 0 ? (int)version : 0;
}

static void allow(int ruleset, const struct shoal_box_place *place, uint64_t handled) {
    int parent = open(place->path, O_PATH | O_CLOEXEC);
    if (parent < 0) {
        return;
    }
    struct stat status;
    bool is_folder = fstat(parent, &status) == 0 && S_ISDIR(status.st_mode);
    uint64_t wanted = FS_READ_FILE | FS_EXECUTE;
    if (is_folder) {
        wanted |= FS_READ_DIR;
    }
    if (place->writes) {
        wanted |= FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEVICE;
        if (is_folder) {
            wanted |= FS_MAKE_REG | FS_MAKE_SOCK | FS_REMOVE_FILE;
        }
    }
    struct beneath rule = {.allowed = wanted & handled, .parent = parent};
    (void)syscall(ADD_RULE, ruleset, PATH_BENEATH, &rule, 0);
    close(parent);
}

int shoal_box_files(const struct shoal_box_place *places, size_t count, bool network) {
    int version = shoal_landlock_version();
    if (version == 0) {
        return ENOSYS;
    }
    struct ruleset attributes = {.files = FS_FIRST_VERSION, .network = 0, .scoped = 0};
    size_t size = sizeof attributes.files;
    attributes.files |= version >= 2 ? FS_REFER : 0;
    attributes.files |= version >= 3 ? FS_TRUNCATE : 0;
    attributes.files |= version >= 5 ? FS_IOCTL_DEVICE : 0;
    if (version >= 4) {
        attributes.network = network ? 0 : NET_BIND_AND_CONNECT;
        size = sizeof attributes.files + sizeof attributes.network;
    }
    if (version >= 6) {
        attributes.scoped = SCOPE_SOCKETS_AND_SIGNALS;
        size = sizeof attributes;
    }
    int ruleset = (int)syscall(CREATE_RULESET, &attributes, size, 0);
    if (ruleset < 0) {
        return errno;
    }
    for (size_t i = 0; i < count; i++) {
        allow(ruleset, &places[i], attributes.files);
    }
    int failure = syscall(RESTRICT_SELF, ruleset, 0) == 0 ? 0 : errno;
    close(ruleset);
    return failure;
}

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

int shoal_box_calls(bool network) {
#if defined(ARCHITECTURE)
    // Refused calls answer EPERM; everything else is as before. Calls of another architecture are refused altogether.
#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1)
#define REFUSED(call) UNLESS(call), REFUSE
    struct sock_filter common[] = {
        LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0), REFUSE, LOAD(nr),
#if defined(__x86_64__)
        // The numbers of the x32 interface.
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), REFUSE,
#endif
        REFUSED(__NR_execve), REFUSED(__NR_execveat), REFUSED(__NR_ptrace), REFUSED(__NR_process_vm_readv),
        REFUSED(__NR_process_vm_writev), REFUSED(__NR_add_key), REFUSED(__NR_request_key), REFUSED(__NR_keyctl),
        REFUSED(__NR_mount), REFUSED(__NR_unshare), REFUSED(__NR_setns),
        // No process that could outlive this one: threads alone. The C library makes them with clone where there is no clone3,
        // whose flags a filter cannot read.
#if defined(__x86_64__)
        REFUSED(__NR_fork), REFUSED(__NR_vfork),
#endif
        UNLESS(__NR_clone3), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 0, 4), LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0), REFUSE, LOAD(nr),
    };
    struct sock_filter sockets[] = {
        // Not socket: allowed. socket of the Unix family: allowed. Anything else: refused.
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 3), LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0), REFUSE,
    };
    struct sock_filter end = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_filter program[sizeof common / sizeof *common + sizeof sockets / sizeof *sockets + 1];
    size_t length = sizeof common / sizeof *common;
    memcpy(program, common, sizeof common);
    if (!network) {
        memcpy(program + length, sockets, sizeof sockets);
        length += sizeof sockets / sizeof *sockets;
    }
    program[length++] = end;
    struct sock_fprog filter = {.len = (unsigned short)length, .filter = program};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0 ? 0 : errno;
#else
    (void)network;
    return ENOSYS;
#endif
}

#else

bool shoal_box_process(void) {
    struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_CORE, &none) == 0;
}

int shoal_landlock_version(void) { return 0; }

int shoal_box_files(const struct shoal_box_place *places, size_t count, bool network) {
    (void)places;
    (void)count;
    (void)network;
    return ENOSYS;
}

int shoal_box_calls(bool network) {
    (void)network;
    return ENOSYS;
}

#endif
