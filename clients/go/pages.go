package smsgate

import (
	"context"
	"iter"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const pageTokenField = "page_token"

type page interface {
	proto.Message
	GetNextPageToken() string
}

// allItems reads pages as if they were whole; a page is asked for when it is needed. The request
// stays as it is, and its own page token is where it starts.
func allItems[Q proto.Message, P page, Item any](
	ctx context.Context, request Q, read func(context.Context, Q) (P, error), items func(P) []Item,
) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		asked := request
		for {
			found, err := read(ctx, asked)
			if err != nil {
				var none Item
				yield(none, err)
				return
			}
			for _, item := range items(found) {
				if !yield(item, nil) {
					return
				}
			}
			if found.GetNextPageToken() == "" {
				return
			}
			asked = withPageToken(request, found.GetNextPageToken())
		}
	}
}

func withPageToken[Q proto.Message](request Q, token string) Q {
	next := proto.CloneOf(request)
	reflected := next.ProtoReflect()
	field := reflected.Descriptor().Fields().ByName(pageTokenField)
	reflected.Set(field, protoreflect.ValueOfString(token))
	return next
}
