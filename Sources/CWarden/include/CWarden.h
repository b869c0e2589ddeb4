#ifndef SHOAL_WARDEN_H
#define SHOAL_WARDEN_H

/// Runs a command in a session of its own and ends when it does, as it does: with its exit status, or by its signal. What the
/// command left running, wherever it went, is killed first.
///
/// SIGTERM, SIGINT and SIGHUP are passed on to the command's process group. When standard input ends or is closed, which it is
/// with the process at the other end of a pipe however that ends, the command and all that came of it are killed.
///
/// On Linux every process that the command starts and abandons becomes a child of this one (`PR_SET_CHILD_SUBREAPER`, prctl(2)),
/// so that a new session, a cleared environment or a double fork hide nothing. Elsewhere only its process group is killed.
///
/// Called by a process that has nothing else to do, before it starts threads.
_Noreturn void shoal_warden(char *const command[]);

#endif
