package storage_test

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway/storage"
	"slipway/storage/storagetest"
)

// A new database lacks everything, a migrated one nothing; migrating again, or from
// several processes at once, does no harm.
func TestMigrating(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]storage.Config{
		storage.SQLite: {Dir: t.TempDir()}, storage.Postgres: {URL: storagetest.Postgres(t)},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			processes := make([]*storage.Store, 4)
			for i := range processes {
				s, err := storage.Open(ctx, cfg)
				must(t, err)
				t.Cleanup(func() { must(t, s.Close()) })
				processes[i] = s
			}
			first := processes[0]
			if got := first.Dialect(); got != name {
				t.Errorf("dialect %s, want %s", got, name)
			}
			if n, err := first.Pending(ctx); n == 0 || err != nil {
				t.Fatalf("pending in a new database: %d, %v", n, err)
			}
			errs := make([]error, len(processes))
			var wg sync.WaitGroup
			for i, s := range processes {
				wg.Go(func() { errs[i] = s.Migrate(ctx) })
			}
			wg.Wait()
			must(t, errors.Join(errs...))
			must(t, first.Migrate(ctx))
			if n, err := first.Pending(ctx); n != 0 || err != nil {
				t.Errorf("pending in a migrated database: %d, %v", n, err)
			}
			var noted, files int
			must(t, first.Query(ctx, &noted, "SELECT count(*) FROM bun_migrations"))
			dir, err := os.ReadDir("migrations")
			must(t, err)
			if files = len(dir); noted != files {
				t.Errorf("%d migrations are noted, there are %d", noted, files)
			}
			must(t, first.Exec(ctx, "DELETE FROM bun_migrations WHERE name = '001'"))
			if n, err := first.Pending(ctx); n != 1 || err != nil {
				t.Errorf("pending when one is missing: %d, %v", n, err)
			}
		})
	}
}

// schema.sql shows the whole schema to whoever reviews a migration.
func TestGoldenSchemaIsTheOneOnRecord(t *testing.T) {
	t.Parallel()
	s := storagetest.New(t)
	var dump string
	must(t, s.Query(t.Context(), &dump, `SELECT group_concat(sql || ';', char(10, 10)) FROM (
		SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'bun_%' AND name NOT LIKE 'sqlite_%'
		ORDER BY tbl_name, type DESC, name)`))
	dump = "-- Written by SLIPWAY_UPDATE_GOLDEN=1 go test ./storage; do not edit.\n\n" + dump + "\n"
	if os.Getenv("SLIPWAY_UPDATE_GOLDEN") == "1" {
		must(t, os.WriteFile("schema.sql", []byte(dump), 0o600))
	}
	want, err := os.ReadFile("schema.sql")
	must(t, err)
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(dump, "\n")); diff != "" {
		t.Errorf("the schema differs from schema.sql; write it anew with SLIPWAY_UPDATE_GOLDEN=1 (-recorded +now):\n%s", diff)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/file"
	must(t, os.WriteFile(file, nil, 0o600))
	for name, test := range map[string]struct {
		cfg  storage.Config
		want string
	}{
		"not a URL":        {storage.Config{URL: "postgres://user:secret@host:port/db"}, "read database URL"},
		"nobody is there":  {storage.Config{URL: "postgres://slipway:secret@127.0.0.1:1/db"}, "reach database"},
		"a file as folder": {storage.Config{Dir: file}, "make data folder"},
	} {
		s, err := storage.Open(t.Context(), test.cfg)
		if err == nil {
			t.Errorf("%s: opened", name)
			must(t, s.Close())
			continue
		}
		if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %q, want one about %q and without the password", name, err, test.want)
		}
	}
}

// A folder's name may hold what means something else in a URI.
func TestAnyFolderWillDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/my data?#%41/数据"
	for range 2 {
		s, err := storage.Open(t.Context(), storage.Config{Dir: dir})
		must(t, err)
		must(t, s.Migrate(t.Context()))
		must(t, s.PutSetting(t.Context(), "k", "kept"))
		if v, err := s.Setting(t.Context(), "k"); err != nil || v != "kept" {
			t.Errorf("setting: %q, %v", v, err)
		}
		must(t, s.Close())
	}
	if _, err := os.Stat(dir + "/slipway.db"); err != nil {
		t.Error(err)
	}
}
