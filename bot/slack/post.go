package slack

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/slack-go/slack"

	"slipway/bot"
	"slipway/storage"
)

// metadataType marks the messages that were posted under a key.
const metadataType = "slipway_post"

// Post implements bot.Platform.
func (s *Slack) Post(ctx context.Context, to bot.Target, c bot.Card, key string) (bot.MsgRef, error) {
	room, thread := to.Room.ID, ""
	switch {
	case to.User.ID != "":
		room = to.User.ID // Slack opens the conversation
	case to.ReplyTo.ID != "":
		room, thread = to.ReplyTo.Room.ID, to.ReplyTo.ID
		if to.ReplyTo.Thread != "" {
			thread = to.ReplyTo.Thread
		}
	}
	m := render(c)
	return s.once(ctx, key, posting{
		send: func(ctx context.Context) (bot.MsgRef, error) { return s.send(ctx, room, thread, key, m) },
		find: func(ctx context.Context, since time.Time) (bot.MsgRef, bool, error) {
			return s.search(ctx, room, thread, key, since)
		},
	})
}

// posting is how something is posted, and how it is found if nobody knows whether it was;
// find is nil where it cannot be found.
type posting struct {
	send func(context.Context) (bot.MsgRef, error)
	find func(context.Context, time.Time) (bot.MsgRef, bool, error)
}

// once posts under a key, unless it was posted before. When Slack's answer is lost the
// claim to the key stays, so that the next call looks for the message first.
func (s *Slack) once(ctx context.Context, key string, p posting) (bot.MsgRef, error) {
	if key == "" {
		return p.send(ctx)
	}
	post, state, err := s.Store.BeginPost(ctx, string(bot.Slack), key, s.Now())
	if err != nil {
		return bot.MsgRef{}, fmt.Errorf("post to slack: %w", err)
	}
	switch state {
	case storage.PostSent:
		return bot.MsgRef{Room: roomRef(post.RoomID), ID: post.MessageID, Thread: post.Thread}, nil
	case storage.PostBusy:
		return bot.MsgRef{}, fmt.Errorf("post %s: %w: %w", key, bot.ErrBusy, &bot.RateLimited{After: busyTime})
	case storage.PostDoubtful:
		ref, found, err := s.recall(ctx, p, time.UnixMilli(post.BegunAt))
		if err != nil {
			return bot.MsgRef{}, fmt.Errorf("look for post: %w", err)
		}
		if found {
			return ref, s.settle(ctx, post, ref)
		}
	case storage.PostNew:
	}
	ref, err := p.send(ctx)
	if err == nil {
		return ref, s.settle(ctx, post, ref)
	}
	if !lost(err) {
		err = errors.Join(err, s.Store.ForgetPost(context.WithoutCancel(ctx), string(bot.Slack), key))
	}
	return bot.MsgRef{}, fmt.Errorf("post to slack: %w", err)
}

// busyTime is how long to wait for somebody else who is posting the same.
const busyTime = 2 * time.Second

func (s *Slack) settle(ctx context.Context, post storage.Post, ref bot.MsgRef) error {
	post.RoomID, post.MessageID, post.Thread = ref.Room.ID, ref.ID, ref.Thread
	if err := s.Store.SettlePost(context.WithoutCancel(ctx), post); err != nil {
		return fmt.Errorf("note post: %w", err)
	}
	return nil
}

func roomRef(id string) bot.RoomRef { return bot.RoomRef{Platform: bot.Slack, ID: id} }

func contents(m message) []slack.MsgOption {
	return []slack.MsgOption{
		slack.MsgOptionText(m.Text, false), slack.MsgOptionBlocks(m.Blocks...),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
	}
}

// send posts a message.
func (s *Slack) send(ctx context.Context, room, thread, key string, m message) (bot.MsgRef, error) {
	options := contents(m)
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
	}
	if key != "" {
		options = append(options, slack.MsgOptionMetadata(slack.SlackMetadata{EventType: metadataType, EventPayload: map[string]any{"key": key}}))
	}
	var ref bot.MsgRef
	orphan := false
	err := s.call(ctx, "chat.postMessage", room, func(ctx context.Context) error {
		channel, id, posted, err := s.api.PostMessageWithResponseContext(ctx, room, options...)
		ref = bot.MsgRef{Room: roomRef(channel), ID: id, Thread: thread}
		orphan = thread != "" && posted.Timestamp != "" && posted.ThreadTimestamp == ""
		return err
	})
	if err != nil || !orphan {
		return ref, err
	}
	// The head of the thread is gone, and Slack put the answer into the room.
	err = s.call(ctx, "chat.delete", "", func(ctx context.Context) error {
		_, _, err := s.api.DeleteMessageContext(ctx, ref.Room.ID, ref.ID)
		return err
	})
	if err != nil {
		s.Log.WarnContext(ctx, "delete answer to a deleted message", "room", room, "error", err)
	}
	return bot.MsgRef{}, fmt.Errorf("thread %s: %w", thread, bot.ErrGone)
}

// recall looks for a message that may have been posted. Where looking is not allowed it
// counts as not posted: twice is better than never.
func (s *Slack) recall(ctx context.Context, p posting, since time.Time) (bot.MsgRef, bool, error) {
	if p.find == nil {
		return bot.MsgRef{}, false, nil
	}
	ref, found, err := p.find(ctx, since)
	if err != nil && codeOf(err) != "" && !lost(err) {
		s.Log.WarnContext(ctx, "look for post in slack", "error", err)
		return bot.MsgRef{}, false, nil
	}
	return ref, found, err
}

// How far a search goes.
const (
	searchMargin = 10 * time.Minute // for clocks that differ, and earlier tries
	searchPages  = 5
	searchSize   = 200
)

// search looks through a room or thread for the message with a key.
func (s *Slack) search(ctx context.Context, room, thread, key string, since time.Time) (bot.MsgRef, bool, error) {
	if room != "" && (room[0] == 'U' || room[0] == 'W') {
		direct, err := s.directRoom(ctx, room)
		if err != nil {
			return bot.MsgRef{}, false, err
		}
		room = direct
	}
	oldest := strconv.FormatInt(since.Add(-searchMargin).Unix(), 10)
	cursor := ""
	for range searchPages {
		messages, next, err := s.page(ctx, room, thread, oldest, cursor)
		if err != nil {
			return bot.MsgRef{}, false, err
		}
		for i := range messages {
			m := &messages[i]
			if m.Metadata.EventType == metadataType && m.Metadata.EventPayload["key"] == key {
				return bot.MsgRef{Room: roomRef(room), ID: m.Timestamp, Thread: thread}, true, nil
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	return bot.MsgRef{}, false, nil
}

func (s *Slack) page(ctx context.Context, room, thread, oldest, cursor string) (messages []slack.Message, next string, err error) {
	if thread != "" {
		err = s.call(ctx, "conversations.replies", "", func(ctx context.Context) (err error) {
			messages, _, next, err = s.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
				ChannelID: room, Timestamp: thread, Oldest: oldest, Limit: searchSize, Cursor: cursor, IncludeAllMetadata: true,
			})
			return err
		})
		return messages, next, err
	}
	err = s.call(ctx, "conversations.history", "", func(ctx context.Context) error {
		r, err := s.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: room, Oldest: oldest, Limit: searchSize, Cursor: cursor, IncludeAllMetadata: true,
		})
		if err == nil {
			messages, next = r.Messages, r.ResponseMetaData.NextCursor
		}
		return err
	})
	return messages, next, err
}
