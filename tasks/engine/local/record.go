package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"slipway/tasks/engine"
)

// record is what is kept of a run, in the file MARK.json. Beside it are MARK.log, the
// lines of the run as JSON; MARK.cancel, which another process makes to end the run;
// and the folder MARK with scripts while it is under way.
type record struct {
	Mark    string         `json:"mark"`
	Owner   process        `json:"owner"`   // the Slipway that started it
	Leaders []process      `json:"leaders"` // first process of each group that was started
	State   engine.State   `json:"state"`
	Result  *engine.Result `json:"result,omitempty"` // set once the run is over
}

// process identifies a process for good: a number alone is used again.
type process struct {
	PID   int    `json:"pid"`
	Start string `json:"start"` // when it started, in the kernel's own count
	Boot  string `json:"boot"`  // which boot of the machine
}

func (p process) alive() bool {
	now, err := inspect(p.PID)
	return err == nil && now == p
}

// records are the files of all runs.
type records struct{ dir string }

func (r records) path(mark, extension string) string {
	return filepath.Join(r.dir, mark+extension)
}

// create makes the file of a run; fs.ErrExist if the mark was used before.
func (r records) create(rec *record) error {
	data, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	return createFile(r.path(rec.Mark, ".json"), data)
}

func (r records) save(rec *record) error {
	data, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	return withTemporary(r.path(rec.Mark, ".json"), data, os.Rename)
}

// load returns the record of a mark, nil if there is none.
func (r records) load(mark string) (*record, error) {
	data, err := os.ReadFile(r.path(mark, ".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no record is an answer
	}
	if err != nil {
		return nil, fmt.Errorf("read run: %w", err)
	}
	var rec record
	if err := json.Unmarshal(data, &rec); err != nil {
		return nil, fmt.Errorf("read run %s: %w", mark, err)
	}
	return &rec, nil
}

// prune removes everything of the runs that ended before a time.
func (r records) prune(before time.Time) error {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return fmt.Errorf("read state folder: %w", err)
	}
	var errs []error
	for _, entry := range entries {
		mark, isRecord := strings.CutSuffix(entry.Name(), ".json")
		if !isRecord {
			continue
		}
		rec, err := r.load(mark)
		if err != nil || rec == nil || rec.Result == nil || rec.State.Ended >= before.UnixMilli() {
			errs = append(errs, err)
			continue
		}
		for _, extension := range []string{".log", ".cancel", "", ".json"} {
			errs = append(errs, os.RemoveAll(r.path(mark, extension)))
		}
	}
	return errors.Join(errs...)
}

// createFile makes a file with its content in one step; fs.ErrExist if it is there.
func createFile(path string, data []byte) error {
	return withTemporary(path, data, os.Link)
}

// withTemporary writes data to a new file beside path, puts it in place, and makes
// both last: after it returns, a crash of the machine does not undo it.
func withTemporary(path string, data []byte, place func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when it was renamed
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := place(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the state folder
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
