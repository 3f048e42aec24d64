package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"slipway"
)

// Room is a place where people talk on a platform.
type Room struct {
	Platform  string `bun:",pk"`
	ID        string `bun:",pk"`
	Name      string
	Locale    slipway.Lang
	Direct    string // user id of a direct room, empty for a shared one
	TimeZone  string // IANA name of the zone of its cards; empty: not known
	CreatedAt int64  // Unix milliseconds
}

// PutRoom writes a room, new or changed.
func (s *Store) PutRoom(ctx context.Context, r Room) error {
	_, err := s.write.NewInsert().Model(&r).On("CONFLICT (platform, id) DO UPDATE").
		Set("name = EXCLUDED.name").Set("locale = EXCLUDED.locale").Set("direct = EXCLUDED.direct").
		Set("time_zone = EXCLUDED.time_zone").Exec(ctx)
	if err != nil {
		return fmt.Errorf("put room %s: %w", r.ID, err)
	}
	return nil
}

// Room returns a room. NotFound if there is none.
func (s *Store) Room(ctx context.Context, platform, id string) (*Room, error) {
	var r Room
	err := s.read.NewSelect().Model(&r).Where("platform = ?", platform).Where("id = ?", id).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read room: %w", orMissing(err, noRoom()))
	}
	return &r, nil
}

// Rooms lists the rooms of a platform, oldest first.
func (s *Store) Rooms(ctx context.Context, platform string) ([]Room, error) {
	var rooms []Room
	err := s.read.NewSelect().Model(&rooms).Where("platform = ?", platform).OrderExpr("created_at, id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read rooms: %w", err)
	}
	return rooms, nil
}

// CardRooms lists the rooms with cards of a plan.
func (s *Store) CardRooms(ctx context.Context, planID string) ([]Room, error) {
	var rooms []Room
	cards := s.read.NewSelect().Model((*CardRef)(nil)).Column("platform", "room_id").Where("plan_id = ?", planID)
	if err := s.read.NewSelect().Model(&rooms).Where("(platform, id) IN (?)", cards).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read rooms of cards: %w", err)
	}
	return rooms, nil
}

// Message is one message of the web console.
type Message struct {
	ID       string
	RoomID   string
	Thread   string // id of the message that the thread hangs on; empty: none
	AuthorID string // user id; empty: the bot
	OnlyFor  string // user id who alone sees it; empty: all
	Text     string
	Card     json.RawMessage
	At       int64 // Unix milliseconds
	EditedAt int64 // Unix milliseconds; zero: never
	// Key, if not empty, is the same when the same message is put twice.
	Key string
}

type messageRow struct {
	bun.BaseModel `bun:"table:messages,alias:m"`

	ID       string `bun:",pk"`
	Number   int64
	RoomID   string
	Thread   string
	AuthorID string
	OnlyFor  string
	Text     string
	Card     string `bun:",nullzero"`
	At       int64
	EditedAt int64
	Key      string `bun:",nullzero"`
}

func (r *messageRow) message() Message {
	m := Message{
		ID: r.ID, RoomID: r.RoomID, Thread: r.Thread, AuthorID: r.AuthorID, OnlyFor: r.OnlyFor, Text: r.Text, At: r.At,
		EditedAt: r.EditedAt, Key: r.Key,
	}
	if r.Card != "" {
		m.Card = json.RawMessage(r.Card)
	}
	return m
}

// PutMessage writes a new message. If its key was used before, nothing is written, the
// message that is there is put into m, and created is false.
func (s *Store) PutMessage(ctx context.Context, m *Message) (created bool, err error) {
	row := messageRow{
		ID: m.ID, RoomID: m.RoomID, Thread: m.Thread, AuthorID: m.AuthorID, OnlyFor: m.OnlyFor, Text: m.Text,
		Card: string(m.Card), At: m.At, EditedAt: m.EditedAt, Key: m.Key,
	}
	err = s.tx(ctx, func(tx bun.Tx) error {
		created = false
		// The counter is also the lock that makes the look-up safe.
		if row.Number, err = count(ctx, tx, "message"); err != nil {
			return err
		}
		if m.Key != "" {
			var there messageRow
			err := tx.NewSelect().Model(&there).Where("key = ?", m.Key).Scan(ctx)
			if err == nil {
				*m = there.message()
				return nil
			}
			if !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		_, err = tx.NewInsert().Model(&row).Exec(ctx)
		created = err == nil
		return err
	})
	if err != nil {
		return false, fmt.Errorf("put message: %w", err)
	}
	return created, nil
}

// EditMessage replaces text and card of a message. NotFound if there is none.
func (s *Store) EditMessage(ctx context.Context, id, text string, card json.RawMessage, at int64) error {
	row := messageRow{ID: id, Text: text, Card: string(card), EditedAt: at}
	res, err := s.write.NewUpdate().Model(&row).Column("text", "card", "edited_at").WherePK().Exec(ctx)
	if err != nil {
		return fmt.Errorf("edit message %s: %w", id, err)
	}
	if !touched(res) {
		return noMessage()
	}
	return nil
}

// Messages returns the newest messages of a room that a user may see, oldest first, at
// most limit (1 to 200; zero: 50). before, a message's id, asks for those that came
// earlier; an unknown id is NotFound.
func (s *Store) Messages(ctx context.Context, roomID, forUser, before string, limit int) ([]Message, error) {
	var rows []messageRow
	q := s.read.NewSelect().Model(&rows).Where("room_id = ?", roomID).Where("(only_for = '' OR only_for = ?)", forUser).
		OrderExpr("number DESC").Limit(int64(pageSize(limit)))
	if before != "" {
		var number int64
		err := s.read.NewSelect().Model((*messageRow)(nil)).Column("number").Where("id = ?", before).Scan(ctx, &number)
		if err != nil {
			return nil, fmt.Errorf("read messages: %w", orMissing(err, noMessage()))
		}
		q.Where("number < ?", number)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	messages := make([]Message, 0, len(rows))
	for i := range rows {
		messages = append(messages, rows[i].message())
	}
	slices.Reverse(messages)
	return messages, nil
}

// Message returns the message with the id. NotFound if there is none.
func (s *Store) Message(ctx context.Context, id string) (*Message, error) {
	var row messageRow
	if err := s.read.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read message: %w", orMissing(err, noMessage()))
	}
	m := row.message()
	return &m, nil
}

type settingRow struct {
	bun.BaseModel `bun:"table:settings,alias:s"`

	Key   string `bun:",pk"`
	Value string
}

// Setting returns a value that was kept under a key, empty if there is none.
func (s *Store) Setting(ctx context.Context, key string) (string, error) {
	var row settingRow
	err := s.read.NewSelect().Model(&row).Where("key = ?", key).Scan(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read setting %s: %w", key, err)
	}
	return row.Value, nil
}

// PutSetting keeps a value under a key.
func (s *Store) PutSetting(ctx context.Context, key, value string) error {
	row := settingRow{Key: key, Value: value}
	_, err := s.write.NewInsert().Model(&row).On("CONFLICT (key) DO UPDATE").Set("value = EXCLUDED.value").Exec(ctx)
	if err != nil {
		return fmt.Errorf("put setting %s: %w", key, err)
	}
	return nil
}
