// Named values for people and programs; public, because the client library returns them.
#pragma once

#include "stint/row.hpp"
