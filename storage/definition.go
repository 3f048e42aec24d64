package storage

import (
	"encoding/json"
	"sync"

	"slipway"
)

// maxDefinitions bounds the text of the definitions that are kept, in bytes; parsed
// they take several times as much.
const maxDefinitions = 2 << 20

// definitions keeps workflows that were read before, by their text. They are shared,
// which is safe because a frozen definition never changes.
type definitions struct {
	mu    sync.Mutex
	known map[string]*slipway.Workflow
	size  int
}

func (d *definitions) read(text string) (*slipway.Workflow, error) {
	d.mu.Lock()
	w := d.known[text]
	d.mu.Unlock()
	if w != nil {
		return w, nil
	}
	w = new(slipway.Workflow)
	if err := json.Unmarshal([]byte(text), w); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil || d.size+len(text) > maxDefinitions {
		// Starting over is simpler than remembering what was used last, and as good.
		d.known, d.size = make(map[string]*slipway.Workflow), 0
	}
	if d.known[text] == nil {
		d.size += len(text)
	}
	d.known[text] = w
	return w, nil
}
