package storage

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"slipway"
)

// CardRef is a message that shows a plan. Times are Unix milliseconds.
type CardRef struct {
	Platform  string `bun:",pk"`
	RoomID    string `bun:",pk"`
	MessageID string `bun:",pk"`
	PlanID    string
	Seq       int64 // the plan's Seq that it shows
	// PaintedAt is when the message was last changed. A time to come says until when it
	// is to be left alone: somebody is at it, or the platform asked for it.
	PaintedAt int64
	Told      int64 // up to which Seq its thread was told
	Telling   int64 // up to which Seq its thread is being told; Told or less: nothing is
	StaleAt   int64 // since when it has to be painted, whatever Seq says; zero: it has not
	// Moved is the message that took its place. It only has to be painted once more, to
	// say so.
	Moved string
}

// where finds the row of the message.
func (c *CardRef) where(q bun.QueryBuilder) bun.QueryBuilder {
	return q.Where("platform = ?", c.Platform).Where("room_id = ?", c.RoomID).Where("message_id = ?", c.MessageID)
}

// Cards lists the messages that show a plan, and those that have yet to say that another
// took their place.
func (s *Store) Cards(ctx context.Context, planID string) ([]CardRef, error) {
	var cards []CardRef
	err := s.read.NewSelect().Model(&cards).Where("plan_id = ?", planID).Where("(moved = '' OR stale_at > 0)").
		OrderExpr("platform, room_id, message_id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read cards: %w", err)
	}
	return cards, nil
}

// CardAt returns the card that a message is, or was until another took its place.
// NotFound if it never was one.
func (s *Store) CardAt(ctx context.Context, platform, room, message string) (*CardRef, error) {
	c := CardRef{Platform: platform, RoomID: room, MessageID: message}
	if err := s.read.NewSelect().Model(&c).WherePK().Scan(ctx); err != nil {
		return nil, fmt.Errorf("read card: %w", orMissing(err, noMessage()))
	}
	return &c, nil
}

// PutCard writes a new card. The other cards of its plan in its room are moved to it. A
// card that is known already stays as it is. Behind tells that there is something to
// paint now, on it or on others.
func (s *Store) PutCard(ctx context.Context, c CardRef, at time.Time) (behind bool, err error) {
	err = s.tx(ctx, func(tx bun.Tx) error {
		q := tx.NewSelect().Model((*planRow)(nil)).Column("seq").Where("id = ?", c.PlanID)
		if s.dialect == Postgres {
			// One after the other, so that of two new cards one takes the other's place.
			q.For("NO KEY UPDATE")
		}
		var seq int64
		if err := q.Scan(ctx, &seq); err != nil {
			return orMissing(err, noPlan())
		}
		behind = c.Seq < seq || c.StaleAt != 0
		res, err := tx.NewInsert().Model(&c).On("CONFLICT (platform, room_id, message_id) DO NOTHING").Exec(ctx)
		if err != nil || !touched(res) {
			return err
		}
		res, err = tx.NewUpdate().Model((*CardRef)(nil)).Set("moved = ?", c.MessageID).Set("stale_at = ?", at.UnixMilli()).
			Where("plan_id = ?", c.PlanID).Where("platform = ?", c.Platform).Where("room_id = ?", c.RoomID).
			Where("message_id <> ?", c.MessageID).Where("moved = ''").Exec(ctx)
		behind = behind || err == nil && touched(res)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("put card of plan %s: %w", c.PlanID, err)
	}
	return behind, nil
}

// ClaimCard takes a card that is about to be painted until a time, so that nobody else
// paints it meanwhile. False if somebody did or does since c was read.
func (s *Store) ClaimCard(ctx context.Context, c *CardRef, until time.Time) (bool, error) {
	claimed := false
	err := s.quickly(ctx, func(db bun.IDB) error {
		res, err := db.NewUpdate().Model((*CardRef)(nil)).Set("painted_at = ?", until.UnixMilli()).
			ApplyQueryBuilder(c.where).Where("painted_at = ?", c.PaintedAt).Exec(ctx)
		claimed = err == nil && touched(res)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("claim card of plan %s: %w", c.PlanID, err)
	}
	return claimed, nil
}

// NoteCard notes that a card was painted: its Seq and PaintedAt. A card that is stale
// since c.StaleAt is so no longer; one that became stale later, or that another took the
// place of, stays so, and one that was dropped meanwhile is not there again. If the thread
// is not being told something, it is from now on being told all up to Seq. c says then
// how all that is.
func (s *Store) NoteCard(ctx context.Context, c *CardRef) error {
	return s.noteCard(ctx, c, `UPDATE card_refs SET seq = ?, painted_at = ?,
		stale_at = CASE WHEN stale_at = ? AND moved = ? THEN 0 ELSE stale_at END,
		telling = CASE WHEN telling <= told THEN ? ELSE telling END`, c.Seq, c.PaintedAt, c.StaleAt, c.Moved, c.Seq)
}

// TellCard notes that the thread of a card is being told all up to what the card shows,
// unless it is being told something already; c says then how all that is.
func (s *Store) TellCard(ctx context.Context, c *CardRef) error {
	return s.noteCard(ctx, c, "UPDATE card_refs SET telling = CASE WHEN telling <= told THEN seq ELSE telling END")
}

// ToldCard notes that the thread of a card was told what it was being told by c.
func (s *Store) ToldCard(ctx context.Context, c *CardRef) error {
	return s.noteCard(ctx, c, "UPDATE card_refs SET told = CASE WHEN told = ? AND telling = ? THEN telling ELSE told END", c.Told, c.Telling)
}

func (s *Store) noteCard(ctx context.Context, c *CardRef, update string, args ...any) error {
	args = append(args, c.Platform, c.RoomID, c.MessageID)
	err := s.quickly(ctx, func(db bun.IDB) error {
		return db.NewRaw(update+" WHERE platform = ? AND room_id = ? AND message_id = ? RETURNING stale_at, told, telling, moved", args...).
			Scan(ctx, &c.StaleAt, &c.Told, &c.Telling, &c.Moved)
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) { // dropped meanwhile
		return fmt.Errorf("note card of plan %s: %w", c.PlanID, err)
	}
	return nil
}

// RestCard notes that a card is to be left alone until a time.
func (s *Store) RestCard(ctx context.Context, c CardRef, until time.Time) error {
	err := s.quickly(ctx, func(db bun.IDB) error {
		_, err := db.NewUpdate().Model((*CardRef)(nil)).Set("painted_at = ?", until.UnixMilli()).ApplyQueryBuilder(c.where).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("rest card of plan %s: %w", c.PlanID, err)
	}
	return nil
}

// StaleCard marks a card to be painted although it may show the newest state: somebody
// saw an older one.
func (s *Store) StaleCard(ctx context.Context, c CardRef, at time.Time) error {
	_, err := s.write.NewUpdate().Model((*CardRef)(nil)).Set("stale_at = ?", at.UnixMilli()).ApplyQueryBuilder(c.where).Exec(ctx)
	if err != nil {
		return fmt.Errorf("mark card of plan %s: %w", c.PlanID, err)
	}
	return nil
}

// DropCard forgets a message, for example one that people deleted.
func (s *Store) DropCard(ctx context.Context, c CardRef) error {
	if _, err := s.write.NewDelete().Model(&c).WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("drop card of plan %s: %w", c.PlanID, err)
	}
	return nil
}

// WantCards asks to bring the cards of a plan up to date at a time, and is announced as
// committed. A task that waits for the same is done then, or again if it is being done.
func (s *Store) WantCards(ctx context.Context, planID string, at time.Time) error {
	t := slipway.Task{
		ID: taskID(planID, at), Kind: slipway.TaskCard, Key: slipway.CardKey(planID), PlanID: planID, RunAt: at.UnixMilli(),
	}
	rows := []taskRow{{
		ID: t.ID, Kind: t.Kind, Key: t.Key, PlanID: planID, CreatedAt: t.RunAt, RunAt: t.RunAt, OfferAt: at.Add(offerGrace).UnixMilli(),
	}}
	// Under a new id, so that whoever is at it does not end this one with it.
	_, err := s.write.NewInsert().Model(&rows).On("CONFLICT (key) DO UPDATE").
		Set("id = EXCLUDED.id").Set("run_at = EXCLUDED.run_at").Set("offer_at = EXCLUDED.offer_at").Set("offers = 0").Exec(ctx)
	if err != nil {
		return fmt.Errorf("want cards of plan %s: %w", planID, err)
	}
	s.committed(ctx, Committed{PlanID: planID, Tasks: []slipway.Task{t}})
	return nil
}

// taskID names a wish for cards. Two of one moment are the same wish.
func taskID(planID string, at time.Time) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s %d", planID, at.UnixNano()))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // a UUID of version 8
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// PlansBehind lists the plans with cards that do not show the newest state.
func (s *Store) PlansBehind(ctx context.Context) ([]string, error) {
	var ids []string
	err := s.read.NewSelect().Model((*CardRef)(nil)).ColumnExpr("DISTINCT card_ref.plan_id").
		Join("JOIN plans AS p ON p.id = card_ref.plan_id").
		Where("(card_ref.moved = '' AND card_ref.seq < p.seq) OR card_ref.stale_at > 0").OrderExpr("card_ref.plan_id").Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("look for cards that are behind: %w", err)
	}
	return ids, nil
}

// RefreshCards asks to paint the living cards of a plan once more, although the plan is
// as it was: what is known of its runs has changed. It asks as WantCards does.
func (s *Store) RefreshCards(ctx context.Context, planID string, at time.Time) error {
	err := s.quickly(ctx, func(db bun.IDB) error {
		// A card that is stale for long is not made to wait longer; whoever is at it sees
		// that there is more to show.
		_, err := db.NewUpdate().Model((*CardRef)(nil)).
			Set("stale_at = CASE WHEN stale_at > 0 THEN stale_at + 1 ELSE ? END", at.UnixMilli()).
			Where("plan_id = ?", planID).Where("moved = ''").Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("refresh cards of plan %s: %w", planID, err)
	}
	return s.WantCards(ctx, planID, at)
}
