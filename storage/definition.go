package storage

import (
	"encoding/json"
	"sync"

	"slipway"
)

// maxDefinitions bounds how many definitions are kept.
const maxDefinitions = 256

// definitions keeps workflows that were read before, by their text. They are shared,
// which is safe because a frozen definition never changes.
type definitions struct {
	mu    sync.Mutex
	known map[string]*slipway.Workflow
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
	if d.known == nil || len(d.known) >= maxDefinitions {
		// Starting over is simpler than remembering what was used last, and as good.
		d.known = make(map[string]*slipway.Workflow)
	}
	d.known[text] = w
	return w, nil
}
