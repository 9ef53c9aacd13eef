/** One way to the upstream, as the benchmark loads it. */
export interface Contender {
  readonly name: string
  /** The process whose CPU time is measured. */
  readonly pid: number
  /** Where chat completions are posted. */
  readonly chatUrl: string
  readonly headers: Readonly<Record<string, string>>
  stop(): Promise<void>
}

/** Where all contenders send what they are sent, and the key that is right there. */
export interface UpstreamAddress {
  /** `http://127.0.0.1:port` */
  readonly origin: string
  readonly apiKey: string
}
