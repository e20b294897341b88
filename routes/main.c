/* The lab's main(). */
#include "routes/lab.h"

int main(int argc, char **argv)
{
	return by_main(argc, argv, &lab);
}
