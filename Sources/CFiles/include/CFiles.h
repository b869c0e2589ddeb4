#ifndef SHOAL_CFILES_H
#define SHOAL_CFILES_H

/// Gives the file at `source` the name `target` in one step, unless something has it already.
/// Returns 0, or an error number: EEXIST where the name is taken, EINVAL or ENOSYS where the file system cannot do this.
int shoal_rename_to_new(const char *source, const char *target);

/// Writes over `text` wherever it stands in the arguments of this process, so that lists of processes do not show it.
void shoal_hide_argument(const char *text);

#endif
