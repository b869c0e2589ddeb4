#define _GNU_SOURCE
#include "CFiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

int shoal_rename_to_new(const char *source, const char *target) {
#ifdef __APPLE__
    int failed = renamex_np(source, target, RENAME_EXCL);
#else
    int failed = renameat2(AT_FDCWD, source, AT_FDCWD, target, RENAME_NOREPLACE);
#endif
    return failed ? errno : 0;
}
