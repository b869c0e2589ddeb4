// What a process gives up before it reads what others wrote. Linux alone; elsewhere every function says that it did nothing.
#ifndef SHOAL_CBOX_H
#define SHOAL_CBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// No core files, no debugger of another process of the same user, no more rights through programs that would give them.
// False where the system refused something of it.
bool shoal_box_process(void);

// Version of Landlock's interface that the kernel has; 0: none.
int shoal_landlock_version(void);

// A file or folder and what is beneath it.
struct shoal_box_place {
    const char *path;
    bool writes;
};

// From here on the calling thread, and every thread that it starts, opens what lies in `places` alone; what is not there is passed
// over. Without `network` no TCP socket is bound or connected where the kernel can tell (version 4). 0, or an errno.
int shoal_box_files(const struct shoal_box_place *places, size_t count, bool network);

// From here on the calling thread and those that it starts run no program and trace no process; without `network` they make no socket
// but of the Unix family. 0, or an errno.
int shoal_box_calls(bool network);

// Folder of the library that `llama_backend_init` came from, into `buffer`; false where it cannot be told.
bool shoal_library_folder(char *buffer, size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
