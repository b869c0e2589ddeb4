"""What the engine's filter of system calls lets through: threads, and no process that could outlive the engine."""

import shutil
import subprocess

import pytest
from conftest import ROOT

PROGRAM = r"""
#define _GNU_SOURCE
#include "CBox.h"
#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *work(void *value) { *(int *)value = 7; return NULL; }

static const char *tried(long result) { return result >= 0 ? "done" : strerror(errno); }

int main(void) {
    shoal_box_process();
    if (shoal_box_calls(true) != 0) return 77;
    int value = 0;
    pthread_t thread;
    int made = pthread_create(&thread, NULL, work, &value);
    if (made == 0) pthread_join(thread, NULL);
    printf("thread %d %d\n", made, value);
    pid_t child = fork();
    if (child == 0) _exit(0);
    printf("fork %s\n", tried(child));
#ifdef SYS_vfork
    child = syscall(SYS_vfork);
    if (child == 0) _exit(0);
    printf("vfork %s\n", tried(child));
#else
    printf("vfork Operation not permitted\n");
#endif
    child = syscall(SYS_clone, 17, 0, 0, 0, 0);
    if (child == 0) _exit(0);
    printf("clone %s\n", tried(child));
    char *words[] = {"true", NULL};
    printf("spawn %s\n", strerror(posix_spawn(&child, "/bin/true", NULL, NULL, words, words)));
    return 0;
}
"""


def test_engines_make_no_processes(tmp_path):
    if not shutil.which("cc"):
        pytest.skip("no C compiler")
    prefix = subprocess.run([ROOT / "scripts/engine"], capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / "box.c").write_text(PROGRAM)
    subprocess.run(
        ["cc", "-O1", "-pthread", "-o", tmp_path / "box", tmp_path / "box.c", ROOT / "Sources/CEngine/Box.c",
         f"-I{ROOT / 'Sources/CEngine/include'}", f"-I{prefix}/include", f"-L{prefix}/lib", f"-Wl,-rpath,{prefix}/lib", "-lllama",
         "-lggml", "-lggml-base"], check=True, timeout=120)
    done = subprocess.run([tmp_path / "box"], capture_output=True, text=True, timeout=60)
    if done.returncode == 77:
        pytest.skip("this kernel has no seccomp")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "thread 0 7", "fork Operation not permitted", "vfork Operation not permitted", "clone Operation not permitted",
        "spawn Operation not permitted",
    ]
