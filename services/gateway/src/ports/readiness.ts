/** Whether this gateway can serve requests. */
export interface Readiness {
  /** Returns what is in the way, in words for people; nothing while requests get their permits. Never rejects. */
  reasons(): Promise<readonly string[]>
}
