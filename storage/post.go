package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// Post is a message that is sent to a platform under a key. MessageID is empty until it
// is known.
type Post struct {
	Platform  string `bun:",pk"`
	Key       string `bun:",pk"`
	RoomID    string
	MessageID string
	Thread    string
	BegunAt   int64 // Unix milliseconds
}

// PostState says how far a post is.
type PostState string

// The states of a post.
const (
	PostNew      PostState = "new"      // nobody sent it; the caller is to do it
	PostSent     PostState = "sent"     // the Post says which message it became
	PostDoubtful PostState = "doubtful" // somebody may have sent it and not come back; the caller is to look for it
	PostBusy     PostState = "busy"     // somebody else is sending it right now
)

// PostPatience is how long a post may take until it is in doubt.
const PostPatience = 15 * time.Second

// BeginPost claims a key before its message is sent. Of several callers at once only one
// gets PostNew or PostDoubtful. It then calls SettlePost, or, if the message was surely
// not sent, ForgetPost.
func (s *Store) BeginPost(ctx context.Context, platform, key string, at time.Time) (Post, PostState, error) {
	p, now := Post{Platform: platform, Key: key, BegunAt: at.UnixMilli()}, at.UnixMilli()
	state := PostNew
	err := s.quickly(ctx, func(db bun.IDB) error {
		r, err := db.NewInsert().Model(&p).On("CONFLICT (platform, key) DO NOTHING").Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 1 {
			state = PostNew
			return err
		}
		state = PostBusy
		err = db.NewSelect().Model(&p).WherePK().Scan(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // forgotten in between: the next call claims it
		}
		if err != nil {
			return err
		}
		if p.MessageID != "" {
			state = PostSent
			return nil
		}
		r, err = db.NewUpdate().Model((*Post)(nil)).Set("begun_at = ?", now).Where("platform = ?", platform).Where("key = ?", key).
			Where("message_id = ''").Where("begun_at <= ?", now-PostPatience.Milliseconds()).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return err
		}
		state = PostDoubtful
		return nil
	})
	if err != nil {
		return Post{}, "", fmt.Errorf("begin post %s: %w", key, err)
	}
	return p, state, nil
}

// SettlePost notes which message a post became.
func (s *Store) SettlePost(ctx context.Context, p Post) error {
	err := s.quickly(ctx, func(db bun.IDB) error {
		_, err := db.NewUpdate().Model(&p).Column("room_id", "message_id", "thread").WherePK().Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("settle post %s: %w", p.Key, err)
	}
	return nil
}

// ForgetPost lets go of a key whose message was not sent.
func (s *Store) ForgetPost(ctx context.Context, platform, key string) error {
	err := s.quickly(ctx, func(db bun.IDB) error {
		_, err := db.NewDelete().Model((*Post)(nil)).Where("platform = ?", platform).Where("key = ?", key).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget post %s: %w", key, err)
	}
	return nil
}

// Posted tells whether a message was begun to be sent under a key before, on a platform
// with this ledger or in the console.
func (s *Store) Posted(ctx context.Context, platform, key string) (bool, error) {
	there, err := s.read.NewSelect().Model((*Post)(nil)).Where("platform = ?", platform).Where("key = ?", key).Exists(ctx)
	if err == nil && !there {
		there, err = s.read.NewSelect().Model((*messageRow)(nil)).Where("key = ?", key).Exists(ctx)
	}
	if err != nil {
		return false, fmt.Errorf("look for post %s: %w", key, err)
	}
	return there, nil
}

// PostMemory is how long a post is remembered.
const PostMemory = 30 * 24 * time.Hour

// ForgetPosts forgets posts that are older than PostMemory, the oldest first and at most
// limit, and returns how many.
func (s *Store) ForgetPosts(ctx context.Context, now time.Time, limit int) (int, error) {
	forgotten := 0
	err := s.quickly(ctx, func(db bun.IDB) error {
		res, err := db.NewRaw(`DELETE FROM posts WHERE (platform, key) IN (
			SELECT platform, key FROM posts WHERE begun_at < ? ORDER BY begun_at LIMIT ?)`,
			now.Add(-PostMemory).UnixMilli(), limit).Exec(ctx)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		forgotten = int(n)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("forget posts: %w", err)
	}
	return forgotten, nil
}
