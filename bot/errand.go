package bot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// The bounds of what is done on platforms in the background.
const (
	callTime    = 10 * time.Second        // for one errand
	callsAtOnce = 8                       // errands under way on one platform
	patience    = 1500 * time.Millisecond // with errands, before those that are late go on alone
	shortTemper = 250 * time.Millisecond  // the same, on a platform that is late already
	comeBack    = time.Second             // when to look after errands that are late
)

// RoomError says that a platform failed in a room. It was logged when that began.
type RoomError struct {
	Room RoomRef
	Err  error
}

// Error implements error.
func (e *RoomError) Error() string {
	return fmt.Sprintf("room %s on %s: %v", e.Room.ID, e.Room.Platform, e.Err)
}

// Unwrap returns the cause.
func (e *RoomError) Unwrap() error { return e.Err }

// errand is something to do on a platform in the background, such as to paint a card.
type errand struct {
	platform PlatformID
	// key names what it works on: errands with one key are done one after the other.
	key string
	do  func(ctx context.Context) error
}

// lane is the way to one platform.
type lane struct {
	slots chan struct{}

	mu   sync.Mutex
	late int // errands that nobody waits for any more
}

func newLane() *lane { return &lane{slots: make(chan struct{}, callsAtOnce)} }

func (l *lane) isLate() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.late > 0
}

// journey is an errand that is under way.
type journey struct {
	lane  *lane
	ended chan struct{}
	err   error // once it ended
	over  bool  // under the lane's lock, as the next
	alone bool  // nobody waits for it any more
}

func (j *journey) end(err error) {
	j.lane.mu.Lock()
	defer j.lane.mu.Unlock()
	j.err, j.over = err, true
	if j.alone {
		j.lane.late--
	}
	close(j.ended)
}

// wait returns how the errand ended, or leaves it to itself when the context ends.
func (j *journey) wait(ctx context.Context) error {
	select {
	case <-j.ended:
		return j.err
	case <-ctx.Done():
	}
	j.lane.mu.Lock()
	defer j.lane.mu.Unlock()
	if j.over {
		return j.err
	}
	j.alone = true
	j.lane.late++
	return &RateLimited{After: comeBack}
}

// runAll does errands side by side. What is slow on one platform must hold up nothing
// elsewhere: errands that are late go on alone, and RateLimited says when to look after
// them. The error joins what went wrong.
func (b *Bot) runAll(ctx context.Context, errands []errand) error {
	full, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	short, cancelShort := context.WithTimeout(ctx, shortTemper)
	defer cancelShort()
	journeys := make([]*journey, len(errands))
	for i, e := range errands {
		j := &journey{lane: b.lanes[e.platform], ended: make(chan struct{})}
		journeys[i] = j
		go func() { j.end(b.goOn(ctx, full, j.lane, e)) }()
	}
	problems := make([]error, len(errands))
	for i, j := range journeys {
		waiting := full
		if j.lane.isLate() {
			waiting = short
		}
		problems[i] = j.wait(waiting)
	}
	return errors.Join(problems...)
}

// goOn does one errand, when nobody else is at the same and the platform has a place
// free. Once it is under way, it does not end with the context.
func (b *Bot) goOn(ctx, waiting context.Context, l *lane, e errand) error {
	leave, err := b.painting.enter(waiting, e.key)
	if err != nil {
		return &RateLimited{After: comeBack} // whoever is at it may have looked before
	}
	defer leave()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime)
	defer cancel()
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-ctx.Done():
		return &RateLimited{After: comeBack}
	}
	return e.do(ctx)
}

// doors let one at a time through each of any number of doors.
type doors struct {
	mu   sync.Mutex
	door map[string]*door
}

type door struct {
	free   chan struct{} // holds one while nobody is inside
	people int           // inside and before it
}

// enter waits until nobody else is behind the door, which leave opens again.
func (d *doors) enter(ctx context.Context, key string) (leave func(), err error) {
	d.mu.Lock()
	mine := d.door[key]
	if mine == nil {
		mine = &door{free: make(chan struct{}, 1)}
		mine.free <- struct{}{}
		if d.door == nil {
			d.door = map[string]*door{}
		}
		d.door[key] = mine
	}
	mine.people++
	d.mu.Unlock()
	gone := func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if mine.people--; mine.people == 0 {
			delete(d.door, key)
		}
	}
	select {
	case <-mine.free:
		return func() {
			mine.free <- struct{}{}
			gone()
		}, nil
	case <-ctx.Done():
		gone()
		return nil, ctx.Err()
	}
}

// troubles are the rooms in which a platform fails, so that each is logged once.
type troubles struct {
	mu    sync.Mutex
	rooms map[RoomRef]bool
}

// failed notes that a room fails. True if that is news.
func (t *troubles) failed(r RoomRef) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rooms == nil {
		t.rooms = map[RoomRef]bool{}
	}
	news := !t.rooms[r]
	t.rooms[r] = true
	return news
}

// went notes that a room does not fail. True if that is news.
func (t *troubles) went(r RoomRef) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	news := t.rooms[r]
	delete(t.rooms, r)
	return news
}

// outcome is what a call of a platform came to. A failure in a room is logged when it
// begins and when it is over.
func (b *Bot) outcome(ctx context.Context, room RoomRef, err error) error {
	limited := (*RateLimited)(nil)
	switch {
	case err == nil:
		if b.troubles.went(room) {
			b.Log.InfoContext(ctx, "room works again", "platform", string(room.Platform), "room", room.ID)
		}
		return nil
	case errors.As(err, &limited):
		return err
	case b.troubles.failed(room):
		b.Log.WarnContext(ctx, "room fails", "platform", string(room.Platform), "room", room.ID, "error", err)
	}
	return &RoomError{Room: room, Err: err}
}

// Soonest takes an error of Repaint or Tell apart: the shortest of the waits that it asks
// for, and what went wrong beside. Waits is false if it asks for none.
func Soonest(err error) (after time.Duration, waits bool, rest error) {
	if err == ErrBusy { //nolint:errorlint // the same; how long to wait stands beside it
		return 0, false, nil
	}
	switch e := err.(type) { //nolint:errorlint // each error of the tree is looked at by itself
	case nil:
	case *RateLimited:
		return e.After, true, nil
	case interface{ Unwrap() []error }:
		var others []error
		for _, one := range e.Unwrap() {
			d, w, r := Soonest(one)
			if w && (!waits || d < after) {
				after, waits = d, true
			}
			others = append(others, r)
		}
		return after, waits, errors.Join(others...)
	case *RoomError:
		return 0, false, e
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			if d, w, r := Soonest(inner); w {
				return d, true, r
			}
		}
		return 0, false, err
	default:
		return 0, false, err
	}
	return 0, false, nil
}
