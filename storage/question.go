package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"slipway"
)

// QuestionPhase says how far Slipway is with a question, whatever the other system says.
type QuestionPhase string

// The phases of a question. AskingQuestion leads from created to asking, right before the
// other system is called: a question found there later was perhaps put, and the system is
// asked for it by its mark. AskedQuestion leads to asked, EndQuestion to ended.
const (
	QuestionPhaseCreated QuestionPhase = "created"
	QuestionPhaseAsking  QuestionPhase = "asking"
	QuestionPhaseAsked   QuestionPhase = "asked"
	QuestionPhaseEnded   QuestionPhase = "ended"
)

// Question is what is asked about a plan in another approval system, and how far it is.
type Question struct {
	Mark   string
	PlanID string
	Type   slipway.ApprovalType
	Phase  QuestionPhase
	Body   json.RawMessage // as it was put; nil before that
	Ref    string          // the instance there
	Stop   bool            // it is to be taken back
	At     int64           // Unix milliseconds
	// AskingAt is when it was first tried to put it, in Unix milliseconds.
	AskingAt int64
}

type questionRow struct {
	bun.BaseModel `bun:"table:questions,alias:q"`

	Mark     string `bun:",pk"`
	PlanID   string
	Type     slipway.ApprovalType
	Phase    QuestionPhase
	Body     string `bun:",nullzero"`
	Ref      string
	Stop     bool
	At       int64
	AskingAt int64
}

func newQuestionRows(planID string, at int64, questions []slipway.Question) []questionRow {
	rows := make([]questionRow, 0, len(questions))
	for i := range questions {
		rows = append(rows, questionRow{Mark: questions[i].Mark, PlanID: planID, Type: questions[i].Type, Phase: QuestionPhaseCreated, At: at})
	}
	return rows
}

// addQuestions writes what is to be asked in other systems, and what is to be taken back.
func addQuestions(b *batch, tx bun.Tx, c *slipway.Change) {
	if len(c.Questions) > 0 {
		rows := newQuestionRows(c.Entry.PlanID, c.Entry.At, c.Questions)
		b.add(tx.NewInsert().Model(&rows))
	}
	if len(c.StopQuestions) > 0 {
		b.add(tx.NewUpdate().Model((*questionRow)(nil)).Set("stop = ?", true).Where("mark IN (?)", bun.List(c.StopQuestions)))
	}
}

// Question returns the question with the mark. NotFound if there is none.
func (s *Store) Question(ctx context.Context, mark string) (*Question, error) {
	return s.question(ctx, s.read.NewSelect().Where("mark = ?", mark))
}

// QuestionByRef returns the question of an instance. NotFound if it is none of ours.
func (s *Store) QuestionByRef(ctx context.Context, t slipway.ApprovalType, ref string) (*Question, error) {
	return s.question(ctx, s.read.NewSelect().Where("type = ?", t).Where("ref = ?", ref).Where("ref <> ''"))
}

func (s *Store) question(ctx context.Context, q *bun.SelectQuery) (*Question, error) {
	var r questionRow
	if err := q.Model(&r).Limit(1).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read question: %w", orMissing(err, noQuestion()))
	}
	out := &Question{Mark: r.Mark, PlanID: r.PlanID, Type: r.Type, Phase: r.Phase, Ref: r.Ref, Stop: r.Stop, At: r.At, AskingAt: r.AskingAt}
	if r.Body != "" {
		out.Body = json.RawMessage(r.Body)
	}
	return out, nil
}

// QuestionsToStop tells whether other questions about the same plan in the same system
// are still to be taken back.
func (s *Store) QuestionsToStop(ctx context.Context, q *Question) (bool, error) {
	there, err := s.read.NewSelect().Model((*questionRow)(nil)).Where("plan_id = ?", q.PlanID).Where("phase <> ?", QuestionPhaseEnded).
		Where("type = ?", q.Type).Where("stop").Where("mark <> ?", q.Mark).Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("look for earlier questions: %w", err)
	}
	return there, nil
}

// AskingQuestion notes that the other system is about to be called, and what is asked.
// False if that was noted before, or the question is to be taken back: then it must not be
// called.
func (s *Store) AskingQuestion(ctx context.Context, mark string, body json.RawMessage, at time.Time) (bool, error) {
	res, err := s.write.NewUpdate().Model((*questionRow)(nil)).
		Set("phase = ?", QuestionPhaseAsking).Set("body = ?", string(body)).Set("asking_at = ?", at.UnixMilli()).
		Where("mark = ?", mark).Where("phase = ?", QuestionPhaseCreated).Where("NOT stop").Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("note that question %s is asked: %w", mark, err)
	}
	return touched(res), nil
}

// AskedQuestion notes what the other system calls the question.
func (s *Store) AskedQuestion(ctx context.Context, mark, ref string) error {
	_, err := s.write.NewUpdate().Model((*questionRow)(nil)).Set("phase = ?", QuestionPhaseAsked).Set("ref = ?", ref).
		Where("mark = ?", mark).Where("phase = ?", QuestionPhaseAsking).Exec(ctx)
	if err != nil {
		return fmt.Errorf("note instance of question %s: %w", mark, err)
	}
	return nil
}

// EndQuestion notes that nothing more comes of a question.
func (s *Store) EndQuestion(ctx context.Context, mark string) error {
	_, err := s.write.NewUpdate().Model((*questionRow)(nil)).Set("phase = ?", QuestionPhaseEnded).Where("mark = ?", mark).Exec(ctx)
	if err != nil {
		return fmt.Errorf("note end of question %s: %w", mark, err)
	}
	return nil
}
