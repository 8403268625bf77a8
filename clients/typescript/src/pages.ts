/** All items of a list, page by page as they are consumed. */

interface Page {
  readonly nextPageToken: string;
}

export async function* allItems<P extends Page, T>(
  read: (pageToken: string) => Promise<P>,
  items: (page: P) => readonly T[],
): AsyncGenerator<T, void, undefined> {
  let token = "";
  do {
    const page = await read(token);
    yield* items(page);
    token = page.nextPageToken;
  } while (token);
}
