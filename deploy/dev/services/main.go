// Command services runs a PostgreSQL and a Redis server for development, on free ports of the loopback interface,
// until it is interrupted. It prints the two settings that let Slipway use them. The data stays in a folder, so
// the next start finds what the last one left, at the same addresses unless others have taken the ports.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"slipway/storage/storagetest"
)

func main() {
	dir := flag.String("dir", defaultDir(), "folder of the data; PostgreSQL must be able to reach it as a user other than root")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *dir, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "services:", err)
		os.Exit(1)
	}
}

// defaultDir is a folder per user in the system's temporary folder, because PostgreSQL does not run as root and a
// checkout in root's home is closed to everyone else.
func defaultDir() string {
	return filepath.Join(os.TempDir(), "slipway-services-"+strconv.Itoa(os.Getuid()))
}

func run(ctx context.Context, dir string, out io.Writer) error {
	database, err := storagetest.StartPostgres(ctx, filepath.Join(dir, "postgres"))
	if err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	defer database.Stop()
	queue, err := storagetest.StartRedis(ctx, filepath.Join(dir, "redis"), "--appendonly", "yes")
	if err != nil {
		return fmt.Errorf("start Redis: %w", err)
	}
	defer queue.Stop()
	_, err = fmt.Fprintf(out, `PostgreSQL and Redis are running until Ctrl-C; their data is in %s.
In another terminal:

export SLIPWAY_DATABASE_URL='%s'
export SLIPWAY_REDIS_URL='%s'
make run
`, dir, database.URL, queue.URL)
	if err != nil {
		return fmt.Errorf("print settings: %w", err)
	}
	<-ctx.Done()
	return nil
}
