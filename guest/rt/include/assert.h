/* The generated code only asserts facts that the build has already checked. */
#define assert(x) ((void)0)
