"""What is asked of each workload, and what its columns are: what the people who use a peer would tell it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """`skewed` are numbers whose logarithm is the better scale; `identifiers` tell nothing."""

    task: str
    target: str
    rows: int
    numbers: tuple = ()
    skewed: tuple = ()
    categories: tuple = ()
    texts: tuple = ()
    identifiers: tuple = ()

    @property
    def inputs(self):
        return [*self.numbers, *self.categories, *self.texts]


PIXELS = 64 * 64

WORKLOADS = {
    "clicks": Workload(
        task="binary",
        target="is_fraud",
        rows=1_000_000,
        numbers=(
            "bytes_sent",
            "dwell_ms",
            "gap_s",
            "clicks_1h",
            "bid_price",
            "x_pos",
            "y_pos",
            "account_age_days",
        ),
        skewed=("bytes_sent", "dwell_ms", "gap_s", "clicks_1h", "bid_price"),
        categories=(
            "hour",
            "weekday",
            "country",
            "device",
            "os",
            "connection",
            "publisher_id",
            "campaign_id",
            "ip_prefix",
            "ad_format",
            "referrer",
        ),
        texts=("user_agent",),
        identifiers=("click_id",),
    ),
    "demo": Workload(
        task="multiclass",
        target="group",
        rows=500_000,
        numbers=(
            "searches",
            "video_views",
            "purchases",
            "game_sessions",
            "news_reads",
            "social_posts",
            "recipe_views",
            "sports_scores",
            "messages",
            "photo_uploads",
            "mean_hour",
            "spend",
        ),
        skewed=("spend",),
        categories=("device", "region"),
        texts=("visited",),
        identifiers=("user_id",),
    ),
    "sales": Workload(
        task="regression",
        target="units_sold",
        rows=500_000,
        numbers=(
            "price",
            "discount_pct",
            "competitor_price",
            "temperature",
            "stock",
            "ad_spend",
            "footfall",
        ),
        skewed=("ad_spend",),
        categories=("store_id", "product_id", "category", "region", "weekday", "month", "promo", "holiday"),
    ),
    "spam": Workload(
        task="binary",
        target="is_spam",
        rows=200_000,
        texts=("text",),
        identifiers=("msg_id",),
    ),
    "faces": Workload(
        task="binary",
        target="is_smiling",
        rows=5_000,
        numbers=tuple(f"p{pixel}" for pixel in range(PIXELS)),
    ),
}
