PROGRAMS += mint-operator
mint-operator_SRC := \
	tools/operator/bench_api.c \
	tools/operator/main.c \
	tools/operator/pile.c \
	tools/operator/swap.c
mint-operator_PKGS := jansson libcurl
mint-operator_LDLIBS := -lm

UNIT_TESTS += test-operator-swap
test-operator-swap_SRC := \
	tests/unit/test_operator_swap.c \
	tools/operator/swap.c
test-operator-swap_PKGS := cmocka
test-operator-swap_LDLIBS := -lm
