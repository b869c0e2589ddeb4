#ifndef SHOAL_CCONTRACT_H
#define SHOAL_CCONTRACT_H

#include <stddef.h>

/// The bytes of `openapi.yaml`, and how many they are. Swift would compile them as an array, an expression for each byte.
extern const unsigned char *const shoal_contract;
extern const size_t shoal_contract_length;

#endif
