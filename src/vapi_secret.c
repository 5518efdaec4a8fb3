#include "vapi_secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/fd.h"

#include "vapi_error.h"
#include "vapi_guc.h"

#define SECRET_MAX (64 * 1024)

/* A name that stays inside its directory: databases may be called "../other". */
static bool
safe_name(const char *name)
{
	return name != NULL && *name != '\0' && *name != '.' && strchr(name, '/') == NULL;
}

/* Path of the file a read would use: the database's own when it exists. False when the directory is unset. */
static bool
secret_path(const char *database, const char *name, char path[MAXPGPATH], struct stat *status)
{
	const char *directory = vapi_guc_secrets_directory;

	if (directory == NULL || *directory == '\0')
		return false;
	if (!safe_name(name))
		elog(ERROR, "invalid secret name \"%s\"", name);
	if (safe_name(database) && snprintf(path, MAXPGPATH, "%s/%s/%s", directory, database, name) < MAXPGPATH)
	{
		/* any other failure than "no such file" is reported when the file is opened */
		if (stat(path, status) == 0 || (errno != ENOENT && errno != ENOTDIR))
			return true;
	}
	if (snprintf(path, MAXPGPATH, "%s/%s", directory, name) >= MAXPGPATH)
		ereport(ERROR,
				(errcode(ERRCODE_VAPI_SECRET),
				 errmsg("the path of secret \"%s\" is too long", name)));
	return true;
}

/* Refuses a file that somebody else could read or change. */
static void
check_file(const char *name, const struct stat *status)
{
	if (!S_ISREG(status->st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_VAPI_SECRET),
				 errmsg("secret \"%s\" is not a regular file", name)));
	if (status->st_uid != geteuid() && status->st_uid != 0)
		ereport(ERROR,
				(errcode(ERRCODE_VAPI_SECRET),
				 errmsg("the file of secret \"%s\" has the wrong owner", name),
				 errdetail("It must belong to the server's user or to root."),
				 errhint("Use chown on the file.")));
	if (status->st_mode & (S_IWGRP | S_IXGRP | S_IRWXO))
		ereport(ERROR,
				(errcode(ERRCODE_VAPI_SECRET),
				 errmsg("the file of secret \"%s\" is accessible to others", name),
				 errdetail("Its mode is %04o; more than 0640 is refused.", (unsigned int) (status->st_mode & 07777)),
				 errhint("Use chmod 0600 on the file.")));
	if (status->st_size > SECRET_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_VAPI_SECRET),
				 errmsg("the file of secret \"%s\" is larger than %d kB", name, SECRET_MAX / 1024)));
}

/* The file's bytes, zero-terminated and with *length set. */
static char *
read_file(int fd, const char *name, size_t size, size_t *length)
{
	char *buffer = palloc(size + 1);
	ssize_t got;

	*length = 0;
	while (*length < size && (got = read(fd, buffer + *length, size - *length)) != 0)
	{
		if (got > 0)
			*length += got;
		else if (errno != EINTR)
			ereport(ERROR,
					(errcode(ERRCODE_VAPI_SECRET),
					 errmsg("could not read secret \"%s\": %m", name)));
	}
	buffer[*length] = '\0';
	return buffer;
}

/* Cuts off final white space and refuses what is no one-line value. */
static void
check_value(char *value, size_t length, const char *name)
{
	const char *problem = NULL;

	while (length > 0 && strchr(" \t\r\n", value[length - 1]) != NULL)
		value[--length] = '\0';
	if (length == 0)
		problem = "is empty";
	for (size_t i = 0; i < length; i++)
	{
		if ((unsigned char) value[i] < ' ' || value[i] == 0x7F)
			problem = "has a line break or control character inside";
	}
	if (problem == NULL)
		return;
	vapi_secret_wipe(value);
	ereport(ERROR,
			(errcode(ERRCODE_VAPI_SECRET),
			 errmsg("the file of secret \"%s\" %s", name, problem),
			 errhint("The file must hold the value in one line and nothing else.")));
}

char *
vapi_secret_read(const char *database, const char *name, bool missing_ok)
{
	char path[MAXPGPATH];
	struct stat status;
	char *volatile value = NULL;
	size_t length;
	int fd;

	if (!secret_path(database, name, path, &status))
	{
		if (missing_ok)
			return NULL;
		ereport(ERROR,
				(errcode(ERRCODE_VAPI_SECRET),
				 errmsg("no directory for secrets is configured"),
				 errdetail("Secret \"%s\" is needed.", name),
				 errhint("Set vapi_sales.secrets_directory in postgresql.conf, reload the server, "
						 "and put the secret into the file %s there (mode 0600).",
						 name)));
	}

	/* not blocking, in case it is a pipe */
	fd = OpenTransientFile(path, O_RDONLY | O_NONBLOCK | PG_BINARY);
	if (fd < 0)
	{
		if (missing_ok && (errno == ENOENT || errno == ENOTDIR))
			return NULL;
		ereport(ERROR,
				(errcode(ERRCODE_VAPI_SECRET),
				 errmsg("could not open the file of secret \"%s\": %m", name),
				 errhint("Put the secret into the file %s in vapi_sales.secrets_directory "
						 "(mode 0600, owned by the server's user).",
						 name)));
	}
	/* A worker outside a transaction has no abort that would close the file. */
	PG_TRY();
	{
		if (fstat(fd, &status) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_VAPI_SECRET),
					 errmsg("could not stat the file of secret \"%s\": %m", name)));
		check_file(name, &status);
		value = read_file(fd, name, (size_t) status.st_size, &length);
		check_value(value, length, name);
	}
	PG_FINALLY();
	{
		CloseTransientFile(fd);
	}
	PG_END_TRY();
	return value;
}

void
vapi_secret_wipe(char *secret)
{
	if (secret == NULL)
		return;
	explicit_bzero(secret, strlen(secret));
	pfree(secret);
}

uint64
vapi_secret_stamp(const char *database, const char *name)
{
	char path[MAXPGPATH];
	struct stat status;
	uint64 stamp;

	if (!secret_path(database, name, path, &status) || stat(path, &status) != 0)
		return 0;
	stamp = (uint64) status.st_mtim.tv_sec * 1000000000 + (uint64) status.st_mtim.tv_nsec;
	stamp = stamp * UINT64CONST(0x9E3779B97F4A7C15) + (uint64) status.st_size;
	stamp = stamp * UINT64CONST(0x9E3779B97F4A7C15) + (uint64) status.st_ino;
	return Max(stamp, 1);
}
