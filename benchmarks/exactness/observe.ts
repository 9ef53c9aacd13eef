import { startCapture } from './wire/capture.ts'
import { type Departure, httpDepartures, tlsDepartures } from './wire/departures.ts'
import type { TcpSegment } from './wire/pcap.ts'
import { type TcpStream, tcpStreams } from './wire/tcp-streams.ts'

/** The server that gateways send their requests to in place of a provider. */
export interface ProofUpstream {
  readonly port: number
  /** The key of the only account that uses it, because TLS hides keys on the wire; absent for plain HTTP. */
  readonly onlyKey?: string
  /**
   * Its own record, by its own clock: used if the wire cannot be captured, and to check that the capture is complete.
   */
  recorded(): Promise<readonly Departure[]>
}

/** The times at which requests were sent to the upstreams, in order, by their account's key. */
export interface Observed {
  /** Whose timestamps: the kernel's, at the wire, or the upstream's own. */
  readonly by: 'wire' | 'upstream'
  departuresOf(key: string): readonly Departure[]
}

export interface Watch {
  /** @throws Error if a request that an upstream recorded was not captured on the wire */
  stop(): Promise<Observed>
}

/**
 * Captures the traffic to these upstreams. If that is not possible, prints why and uses the upstreams' own records.
 * @param print prints a line for the person who runs it
 */
export async function watchUpstreams(
  upstreams: readonly ProofUpstream[],
  print: (line: string) => void,
): Promise<Watch> {
  const started = await startCapture(upstreams.map(({ port }) => port))
  if (started.status === 'refused') {
    print(`The wire cannot be captured here: ${started.reason}`)
    print('Using the upstream’s own timestamps, which are late on a busy machine.')
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

/** A capture that misses requests could hide an exceeded limit. */
function assertNothingEscaped(seen: Observed, recorded: readonly Departure[]): void {
  for (const [key, departures] of Map.groupBy(recorded, (departure) => departure.key)) {
    if (key === undefined) continue
    const count = seen.departuresOf(key).length
    if (count < departures.length) {
      throw new Error(
        `the upstream received ${departures.length} requests of ${key}, but only ${count} were captured on the wire`,
      )
    }
  }
}
