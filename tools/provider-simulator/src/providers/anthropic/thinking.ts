import { isRecord } from '../../core/is-record.ts'

type Json = Readonly<Record<string, unknown>>

/** Whether a request for a message asks for extended or adaptive thinking, which the simulator then always does. */
export function asksToThink({ thinking }: Json): boolean {
  return isRecord(thinking) && (thinking.type === 'enabled' || thinking.type === 'adaptive')
}

/** https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking, `display`. */
export function showsThought({ thinking }: Json): boolean {
  return isRecord(thinking) && thinking.display !== 'omitted'
}
