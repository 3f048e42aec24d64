package remote

import "testing"

func TestAMemoryIsBounded(t *testing.T) {
	t.Parallel()
	var m Memory[int, string]
	if _, known := m.Of(1); known || m.Forget(1) {
		t.Error("it knows what nobody told it")
	}
	for i := range 2 * maxRemembered {
		m.Keep(i, "x")
	}
	if got, known := m.Of(2*maxRemembered - 1); got != "x" || !known || len(m.kept) > maxRemembered {
		t.Errorf("%q, %v, of %d", got, known, len(m.kept))
	}
	if !m.Forget(2*maxRemembered-1) || m.Forget(2*maxRemembered-1) {
		t.Error("it does not forget once")
	}
}
