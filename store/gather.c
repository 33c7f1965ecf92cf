#include "store/gather.h"

#define MET 8 /* groups that reach their target before it is raised */

size_t store_gather_target(const struct store_gather *gather, bool waiting)
{
	if (gather->target > 1)
		return gather->target;
	return waiting ? 2 : 1;
}

/* Too few came in time: expect fewer, soon no more than that. Enough came: now and then try for one
 * more. */
void store_gather_learn(struct store_gather *gather, size_t target, size_t n)
{
	if (n < target) {
		gather->target = n > target * 3 / 4 ? n : target * 3 / 4;
		gather->met = 0;
		return;
	}
	gather->target = target;
	if (target == 1 || ++gather->met < MET)
		return;
	gather->met = 0;
	if (gather->target < STORE_GATHER_MAX)
		gather->target++;
}
