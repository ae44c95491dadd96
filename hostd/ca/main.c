/* mint-ca: holds the CA key, or reaches it.
 *
 * Trusted with: the issuing key and its passphrase, the issue log. It believes mint-queue's serial numbers, profile names and
 * subject data (checked for form), and nothing that a token's request says but its public key, and that only once proven. It never
 * sees a token, a PIN, the database or the network, and starts no process.
 */
#include "hostd/base/log.h"
#include "hostd/ca/command.h"
#include "hostd/ca/service.h"

int
main(int argc, char **argv)
{
	int status;

	log_open("mint-ca");
	if (command_main(argc, argv, &status))
		return status;
	return service_main(argc, argv);
}
