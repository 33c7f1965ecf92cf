/* micad's commands: `micad NAME …`. Each returns the process's exit status: 0, 2 for wrong usage, 1
 * for anything else. */
#ifndef API_SERVER_COMMANDS_H
#define API_SERVER_COMMANDS_H

int server_command_init(int argc, char **argv);
int server_command_serve(int argc, char **argv);
int server_command_master_key(int argc, char **argv);
int server_command_recover_admin(int argc, char **argv);
int server_command_routes(int argc, char **argv);

#endif
