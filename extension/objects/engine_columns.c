// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of module `_pykdump`: columns.
#include "objects/engine_module.h"

PyMethodDef engine_column_functions[] = {
    {0},
};
