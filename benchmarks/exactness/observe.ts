import { startCapture } from './wire/capture.ts'
import { type Departure, httpDepartures, tlsDepartures } from './wire/departures.ts'
import type { TcpSegment } from './wire/pcap.ts'
import { type TcpStream, tcpStreams } from './wire/tcp-streams.ts'

/** What gateways send their requests to in place of a provider. */
export interface ProofUpstream {
  readonly port: number
  /** The key of the one account that uses it, where TLS hides the keys on the wire; absent for plain HTTP. */
  readonly onlyKey?: string
  /** What it recorded itself, by its own clock: for where the wire cannot be watched, and to check that nothing escaped the watch. */
  recorded(): Promise<readonly Departure[]>
}

/** When requests left for the upstreams, in order, by their account's key. */
export interface Observed {
  /** By whose time stamps: the kernel's, at the wire, or those that the upstream made itself when it came to it. */
  readonly by: 'wire' | 'upstream'
  departuresOf(key: string): readonly Departure[]
}

export interface Watch {
  /** @throws Error when a request that an upstream recorded was not seen on the wire */
  stop(): Promise<Observed>
}

/**
 * Watches the wire to these upstreams. Where that is not possible, says so, and takes the upstreams' word.
 * @param print takes one line for the operator
 */
export async function watchUpstreams(
  upstreams: readonly ProofUpstream[],
  print: (line: string) => void,
): Promise<Watch> {
  const started = await startCapture(upstreams.map(({ port }) => port))
  if (started.status === 'refused') {
    print(`The wire cannot be watched here: ${started.reason}`)
    print('Judging by the upstream’s own time stamps, which are late on a busy machine.')
    return {
      stop: async () => {
        const recorded = await Promise.all(upstreams.map((upstream) => upstream.recorded()))
        return observed('upstream', recorded.flat())
      },
    }
  }
  return {
    stop: async () => {
      const recorded = await Promise.all(upstreams.map((upstream) => upstream.recorded()))
      const segments = await started.capture.stop()
      const seen = observed(
        'wire',
        upstreams.flatMap((upstream) => departuresTo(upstream, segments)),
      )
      assertNothingEscaped(seen, recorded.flat())
      return seen
    },
  }
}

function departuresTo({ port, onlyKey }: ProofUpstream, segments: readonly TcpSegment[]): Departure[] {
  const find = (stream: TcpStream): Departure[] =>
    onlyKey === undefined ? httpDepartures(stream) : tlsDepartures(stream).map((each) => ({ ...each, key: onlyKey }))
  return tcpStreams(segments, port).flatMap(find)
}

function observed(by: Observed['by'], departures: readonly Departure[]): Observed {
  const byKey = Map.groupBy(departures, ({ key }) => key)
  return {
    by,
    departuresOf: (key) => (byKey.get(key) ?? []).toSorted((a, b) => a.headAtMs - b.headAtMs),
  }
}

/** A capture that misses requests would prove a limit that was not kept. */
function assertNothingEscaped(seen: Observed, recorded: readonly Departure[]): void {
  for (const [key, departures] of Map.groupBy(recorded, (departure) => departure.key)) {
    if (key === undefined) continue
    const count = seen.departuresOf(key).length
    if (count < departures.length) {
      throw new Error(
        `the upstream took ${departures.length} requests of ${key}, but only ${count} were seen on the wire`,
      )
    }
  }
}
