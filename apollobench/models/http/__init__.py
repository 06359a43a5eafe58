"""Models behind a server that speaks the OpenAI API: one question is one request for a chat completion.

* `address.Address`: where the server is and how to sign in; the only place that sees a key. `find_address` makes it
  from a `base_url` and the environment.
* `server.Server`: requests over the network, with a limit of concurrency, retries and time limits.
  `server.post(path, body)` is a coroutine, `server.run(coroutine)` runs one from any thread.
* `chat.ServedModel`: answers requests at a `Server`; it satisfies `models.base.Model`, and `Metered` by counting
  tokens in `usage`.
* `chat.Dialect`: what differs between servers. `show(request)` gives the content parts before the question, once for
  all questions on the same frames; `extra(request)` the fields beside `model` and `messages`; `read(request, reply)`
  makes an answer of the response's JSON.
* `messages` has the content parts, `replies` the reading of replies, `dialect.OpenAI` is the dialect made of both.
"""
