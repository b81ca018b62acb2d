// The main function of every test program that is built with doctest: compiled once, linked into each.

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
