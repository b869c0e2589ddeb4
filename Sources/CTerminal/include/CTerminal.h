#ifndef SHOAL_CTERMINAL_H
#define SHOAL_CTERMINAL_H

#include <stdbool.h>
#include <termios.h>

/// Takes flags from the terminal behind standard input, until `shoal_terminal_give_back`. A signal that ends the process meanwhile
/// gives it back first; signals that do something else than end it are left alone.
///
/// One at a time, by one thread.
///
/// `local` and `input` are flags of `c_lflag` and `c_iflag` (termios(3)). `farewell` is written to standard error when a signal gives
/// the terminal back; it is kept, so it has to last as long as the process, or NULL.
/// Returns false where standard input is no terminal; nothing has changed then.
bool shoal_terminal_take(tcflag_t local, tcflag_t input, const char *farewell);

/// Gives the terminal back as it was.
void shoal_terminal_give_back(void);

#endif
