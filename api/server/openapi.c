#include "api/server/openapi_json.h"
#include "api/server/request.h"
#include "api/server/route.h"

int server_openapi(struct server_request *request)
{
	return server_answer_octets(
	    request, 200, "application/json", openapi_json, sizeof(openapi_json) - 1);
}
