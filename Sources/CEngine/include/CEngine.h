#ifndef SHOAL_CENGINE_H
#define SHOAL_CENGINE_H
#include <llama.h>
#endif
