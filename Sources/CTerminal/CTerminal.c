#include "CTerminal.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/// SIGQUIT is the Swift runtime's, which shows where the program is.
static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
enum { end_count = sizeof ends / sizeof *ends };

/// Written while no handler is installed that could read it.
static struct termios own;
static const char *last_words;
static bool is_handled[end_count];

/// Calls only what may be called in a handler (signal-safety(7)). The signal ends the process when the handler returns.
static void give_back_and_end(int number) {
    if (last_words != NULL) (void)!write(STDERR_FILENO, last_words, strlen(last_words));
    tcsetattr(STDIN_FILENO, TCSANOW, &own);
    signal(number, SIG_DFL);
    raise(number);
}

bool shoal_terminal_take(tcflag_t local, tcflag_t input, const char *farewell) {
    if (tcgetattr(STDIN_FILENO, &own) != 0) return false;
    last_words = farewell;
    struct sigaction action = {.sa_handler = give_back_and_end};
    sigemptyset(&action.sa_mask);
    for (int index = 0; index < end_count; index++) {
        struct sigaction former;
        is_handled[index] = sigaction(ends[index], NULL, &former) == 0 && former.sa_handler == SIG_DFL &&
                            sigaction(ends[index], &action, NULL) == 0;
    }
    struct termios changed = own;
    changed.c_lflag &= ~local;
    changed.c_iflag &= ~input;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &changed);
    return true;
}

void shoal_terminal_give_back(void) {
    tcsetattr(STDIN_FILENO, TCSADRAIN, &own);
    for (int index = 0; index < end_count; index++) {
        if (is_handled[index]) signal(ends[index], SIG_DFL);
    }
}
