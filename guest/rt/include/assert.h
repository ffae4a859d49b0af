/* The generated code only asserts what the build has already made sure of. */
#define assert(x) ((void)0)
