import { sql, type Transaction } from 'kysely'
import { GRANULARITIES, type Granularity } from '../rollup/granularity.ts'
import { packHistogram } from '../rollup/histogram.ts'
import type { Rollup } from '../rollup/rollup.ts'
import { ROLLUP_TABLES, type Tables } from './schema.ts'

/** Adds the rollups to what is stored, a statement for each granularity that is among them. */
export async function addRollups(transaction: Transaction<Tables>, rollups: readonly Rollup[]): Promise<void> {
  for (const granularity of GRANULARITIES) {
    const added = rollups.filter((rollup) => rollup.granularity === granularity)
    if (added.length > 0) await addTo(transaction, granularity, added)
  }
}

async function addTo(
  transaction: Transaction<Tables>,
  granularity: Granularity,
  rollups: readonly Rollup[],
): Promise<void> {
  const rows = rollups.map(({ latency, timeToFirstToken, ...rest }) => ({
    ...rest,
    latency: packHistogram(latency),
    timeToFirstToken: packHistogram(timeToFirstToken),
  }))
  await sql`
    insert into ${sql.table(ROLLUP_TABLES[granularity])} as stored (
      from_at, connection_id, provider, model, api_key_id, outcome, denied_by,
      requests, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, latency, time_to_first_token,
      cache_write_input_tokens, unread_requests
    )
    select
      to_timestamp("fromMs" / 1000.0), "connectionId", provider, model, "apiKeyId", outcome, "deniedBy",
      requests, "inputTokens", "outputTokens", "cachedInputTokens", "reasoningTokens", latency, "timeToFirstToken",
      "cacheWriteInputTokens", "unreadRequests"
    from json_to_recordset(${JSON.stringify(rows)}) as added (
      "fromMs" bigint, "connectionId" text, provider text, model text, "apiKeyId" text, outcome text, "deniedBy" text,
      requests bigint, "inputTokens" bigint, "outputTokens" bigint, "cachedInputTokens" bigint, "reasoningTokens" bigint,
      latency bigint[], "timeToFirstToken" bigint[], "cacheWriteInputTokens" bigint, "unreadRequests" bigint
    )
    on conflict (connection_id, from_at, provider, model, api_key_id, outcome, denied_by) do update set
      requests = stored.requests + excluded.requests,
      input_tokens = stored.input_tokens + excluded.input_tokens,
      output_tokens = stored.output_tokens + excluded.output_tokens,
      cached_input_tokens = stored.cached_input_tokens + excluded.cached_input_tokens,
      reasoning_tokens = stored.reasoning_tokens + excluded.reasoning_tokens,
      cache_write_input_tokens = stored.cache_write_input_tokens + excluded.cache_write_input_tokens,
      unread_requests = stored.unread_requests + excluded.unread_requests,
      latency = usage.merge_histograms(stored.latency, excluded.latency),
      time_to_first_token = usage.merge_histograms(stored.time_to_first_token, excluded.time_to_first_token)`.execute(
    transaction,
  )
}
