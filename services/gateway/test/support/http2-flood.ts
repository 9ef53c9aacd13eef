import { type ClientHttp2Session, connect } from 'node:http2'
import { argv } from 'node:process'

/** The flood to make; the argument of the process, as JSON. */
export interface Http2Flood {
  readonly url: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly sessions: number
  readonly streamsPerSession: number
  /** The bytes of each body that are sent; its end never is. Without end if absent. */
  readonly bytesPerStream?: number
  /** The bytes of each response that are accepted until the reader reads, which it does not. */
  readonly windowBytes: number
}

/** The process's repeated report. */
export interface Http2FloodState {
  readonly sentBytes: number
  readonly closedStreams: number
  /** For how long nothing more was taken. */
  readonly stalledMs: number
}

const PIECE = Buffer.alloc(64 * 1024, 'x')
const REPORT_EVERY_MS = 50

/** Sends bodies on many streams, as fast as they are taken, from a process of its own: it takes memory, too. */
function flood({ url, path, headers, sessions, streamsPerSession, bytesPerStream, windowBytes }: Http2Flood): void {
  let closedStreams = 0
  const open = (session: ClientHttp2Session): void => {
    const stream = session.request({ ':path': path, ':method': 'POST', ...headers }, { endStream: false })
    const write = (): void => {
      if (bytesPerStream !== undefined) stream.write(PIECE.subarray(0, bytesPerStream))
      else while (!stream.destroyed && stream.write(PIECE));
    }
    stream.on('error', () => undefined)
    stream.on('close', () => closedStreams++)
    if (bytesPerStream === undefined) stream.on('drain', write)
    write()
  }
  const opened = Array.from({ length: sessions }, () => {
    const session = connect(url, { maxSessionMemory: 4_000, settings: { initialWindowSize: windowBytes } })
    session.on('error', () => undefined)
    session.once('localSettings', () => {
      for (let at = 0; at < streamsPerSession; at++) open(session)
    })
    return session
  })
  let [beforeBytes, stalledMs] = [0, 0]
  setInterval(() => {
    const sentBytes = opened.reduce((bytes, session) => bytes + (session.socket?.bytesWritten ?? 0), 0)
    stalledMs = sentBytes === beforeBytes ? stalledMs + REPORT_EVERY_MS : 0
    beforeBytes = sentBytes
    process.send?.({ sentBytes, closedStreams, stalledMs } satisfies Http2FloodState)
  }, REPORT_EVERY_MS)
  process.once('disconnect', () => process.exit())
}

flood(JSON.parse(argv[2] ?? '') as Http2Flood)
