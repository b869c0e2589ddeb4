#define _GNU_SOURCE
#include "CFiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int shoal_rename_to_new(const char *source, const char *target) {
#ifdef __APPLE__
    int failed = renamex_np(source, target, RENAME_EXCL);
#else
    int failed = renameat2(AT_FDCWD, source, AT_FDCWD, target, RENAME_NOREPLACE);
#endif
    return failed ? errno : 0;
}

static int argument_count;
static char **arguments;

/// The memory that the kernel shows as the command line: Swift's own list of arguments is a copy of it.
__attribute__((constructor)) static void keep_arguments(int count, char **values) {
    argument_count = count;
    arguments = values;
}

void shoal_hide_argument(const char *text) {
    size_t length = strlen(text);
    if (length == 0) return;
    for (int index = 0; index < argument_count; index++) {
        char *found = arguments[index] ? strstr(arguments[index], text) : NULL;
        if (found) memset(found, '*', length);
    }
}
