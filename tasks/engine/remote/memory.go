package remote

import "sync"

// maxRemembered bounds what is remembered of one thing.
const maxRemembered = 4096

// Memory remembers what was learnt, to spare requests, or what a vendor does not tell.
// Once it is full it begins anew. The zero value is ready.
type Memory[K comparable, V any] struct {
	mu   sync.Mutex
	kept map[K]V
}

// Keep remembers a value.
func (m *Memory[K, V]) Keep(key K, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil || len(m.kept) >= maxRemembered {
		m.kept = map[K]V{}
	}
	m.kept[key] = value
}

// Of returns what is remembered; false if nothing is.
func (m *Memory[K, V]) Of(key K) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, known := m.kept[key]
	return value, known
}

// Forget forgets a value; false if there was none.
func (m *Memory[K, V]) Forget(key K) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, known := m.kept[key]
	delete(m.kept, key)
	return known
}
