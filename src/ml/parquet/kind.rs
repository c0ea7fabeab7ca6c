//! Which text the values of a column become, by its type; types that are none are refused by name.

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::schema::types::ColumnDescriptor;

use super::Unreadable;

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// `true` or `false`.
    Truth,
    /// A whole number as it is stored.
    Signed,
    /// A whole number without a sign, of 32 bits or fewer.
    Unsigned32,
    /// A whole number without a sign.
    Unsigned64,
    /// The shortest text that gives the same number again.
    Float,
    /// The same for numbers of 16 bits.
    Half,
    /// As it is.
    Text,
    /// Groups of hexadecimal digits.
    Uuid,
    /// A whole number with this many digits behind the point.
    Decimal(u8),
    /// A day, from days since 1970.
    Date,
    /// A time of day.
    Time(Unit),
    /// A moment; with `Z` where it is one of UTC.
    Moment(Unit, bool),
    /// A moment as old programs stored it.
    OldMoment,
    /// Nothing: a column of nulls.
    Nothing,
}

/// What a time is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Milli,
    Micro,
    Nano,
}

impl Unit {
    /// How many of it a second has.
    pub(super) fn per_second(self) -> i64 {
        match self {
            Unit::Milli => 1_000,
            Unit::Micro => 1_000_000,
            Unit::Nano => 1_000_000_000,
        }
    }
}

impl From<TimeUnit> for Unit {
    fn from(unit: TimeUnit) -> Self {
        match unit {
            TimeUnit::MILLIS => Unit::Milli,
            TimeUnit::MICROS => Unit::Micro,
            TimeUnit::NANOS => Unit::Nano,
        }
    }
}

/// How the values of a flat column are written.
pub(super) fn of(column: &ColumnDescriptor) -> Result<Show, Unreadable> {
    let physical = column.physical_type();
    let shown = match column.logical_type_ref() {
        Some(LogicalType::Unknown) => Some(Show::Nothing),
        Some(logical) => by_logical(logical, column),
        None => by_converted(column.converted_type(), column),
    };
    match shown {
        Some(show) if fits(show, physical, column.type_length()) => Ok(show),
        _ => Err(refused(column)),
    }
}

fn by_logical(logical: &LogicalType, column: &ColumnDescriptor) -> Option<Show> {
    Some(match logical {
        LogicalType::String | LogicalType::Enum | LogicalType::Json => Show::Text,
        LogicalType::Uuid => Show::Uuid,
        LogicalType::Float16 => Show::Half,
        LogicalType::Date => Show::Date,
        LogicalType::Decimal(_) => decimal(column)?,
        LogicalType::Integer(of) => whole(of.is_signed, column.physical_type()),
        LogicalType::Time(of) => Show::Time(of.unit.into()),
        LogicalType::Timestamp(of) => Show::Moment(of.unit.into(), of.is_adjusted_to_u_t_c),
        _ => return None,
    })
}

fn by_converted(converted: ConvertedType, column: &ColumnDescriptor) -> Option<Show> {
    let physical = column.physical_type();
    Some(match converted {
        ConvertedType::NONE => return plain(physical),
        ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON => Show::Text,
        ConvertedType::DECIMAL => decimal(column)?,
        ConvertedType::DATE => Show::Date,
        ConvertedType::TIME_MILLIS => Show::Time(Unit::Milli),
        ConvertedType::TIME_MICROS => Show::Time(Unit::Micro),
        // The older annotation says nothing else than that it is a moment of UTC.
        ConvertedType::TIMESTAMP_MILLIS => Show::Moment(Unit::Milli, true),
        ConvertedType::TIMESTAMP_MICROS => Show::Moment(Unit::Micro, true),
        ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => {
            whole(false, physical)
        }
        ConvertedType::INT_8 | ConvertedType::INT_16 | ConvertedType::INT_32 | ConvertedType::INT_64 => {
            Show::Signed
        }
        _ => return None,
    })
}

fn plain(physical: Type) -> Option<Show> {
    Some(match physical {
        Type::BOOLEAN => Show::Truth,
        Type::INT32 | Type::INT64 => Show::Signed,
        Type::INT96 => Show::OldMoment,
        Type::FLOAT | Type::DOUBLE => Show::Float,
        Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY => return None,
    })
}

fn whole(is_signed: bool, physical: Type) -> Show {
    match (is_signed, physical) {
        (true, _) => Show::Signed,
        (false, Type::INT32) => Show::Unsigned32,
        (false, _) => Show::Unsigned64,
    }
}

/// Up to 38 digits, which every program writes in 16 bytes at most.
fn decimal(column: &ColumnDescriptor) -> Option<Show> {
    let scale = u8::try_from(column.type_scale()).ok()?;
    (scale <= 38 && column.type_precision() <= 38).then_some(Show::Decimal(scale))
}

/// Whether a type is stored as it must be.
fn fits(show: Show, physical: Type, length: i32) -> bool {
    match show {
        Show::Truth => physical == Type::BOOLEAN,
        Show::Signed => matches!(physical, Type::INT32 | Type::INT64),
        Show::Unsigned32 | Show::Date => physical == Type::INT32,
        Show::Unsigned64 | Show::Moment(..) => physical == Type::INT64,
        Show::Time(Unit::Milli) => physical == Type::INT32,
        Show::Time(_) => physical == Type::INT64,
        Show::Float => matches!(physical, Type::FLOAT | Type::DOUBLE),
        Show::Half => physical == Type::FIXED_LEN_BYTE_ARRAY && length == 2,
        Show::Uuid => physical == Type::FIXED_LEN_BYTE_ARRAY && length == 16,
        Show::Text => physical == Type::BYTE_ARRAY,
        Show::Decimal(_) => match physical {
            Type::FIXED_LEN_BYTE_ARRAY => (1..=16).contains(&length),
            physical => matches!(physical, Type::INT32 | Type::INT64 | Type::BYTE_ARRAY),
        },
        Show::OldMoment => physical == Type::INT96,
        Show::Nothing => physical != Type::FIXED_LEN_BYTE_ARRAY,
    }
}

fn refused(column: &ColumnDescriptor) -> Unreadable {
    let name = column.name();
    let (what, advice) = match (column.logical_type_ref(), column.converted_type()) {
        (None, ConvertedType::NONE) => (
            "bytes that are not marked as text".to_string(),
            "write it as a string, or leave the column out",
        ),
        (Some(LogicalType::Decimal(_)), _) | (_, ConvertedType::DECIMAL) => (
            "decimals of more than 38 digits".to_string(),
            "write it as a float, or leave the column out",
        ),
        (Some(logical), _) => (
            format!("values of the type {logical:?}"),
            "write it as a string or a number, or leave the column out",
        ),
        (None, converted) => (
            format!("values of the type {converted}"),
            "write it as a string or a number, or leave the column out",
        ),
    };
    Unreadable::unsupported(format!("the column `{name}` holds {what}"), advice)
}
