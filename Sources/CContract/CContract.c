#include "CContract.h"

#pragma clang diagnostic ignored "-Wc23-extensions"
static const unsigned char bytes[] = {
#embed "openapi.yaml"
};

const unsigned char *const shoal_contract = bytes;
const size_t shoal_contract_length = sizeof bytes;
