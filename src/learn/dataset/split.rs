//! Which cases are learned from, and which are held back.

use std::path::Path;

use serde_json::Value;

use super::{Dataset, DatasetError};

/// Names of training and validation cases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// Learned from.
    pub train: Vec<String>,
    /// Held back.
    pub validation: Vec<String>,
}

/// One of several folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fold {
    /// Which, counted from 0.
    pub fold: usize,
    /// Of how many, at least 2.
    pub count: usize,
}

impl std::str::FromStr for Fold {
    type Err = String;

    /// Reads a fold, for example `0/5`.
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(fold, count)| Some((fold.parse().ok()?, count.parse().ok()?)));
        match numbers {
            Some((fold, count)) if count >= 2 && fold < count => Ok(Self { fold, count }),
            _ => Err(format!("{text:?} is no fold; of five folds there are 0/5, 1/5, 2/5, 3/5 and 4/5")),
        }
    }
}

/// The lists of a file; those of a fold where it has several, as nnU-Net's `splits_final.json`.
fn lists(json: &Value, fold: Option<Fold>) -> Result<&Value, String> {
    match (json.as_array().map(Vec::as_slice), fold) {
        (None, None) => Ok(json),
        (None, Some(_)) => Err("the split has no folds, but a fold was chosen; leave it out".into()),
        (Some([]), _) => Err("the split has no folds".into()),
        (Some([only]), None) => Ok(only),
        (Some(folds), None) => Err(format!("the split has {} folds; choose one, the first as 0/{0}", folds.len())),
        (Some(folds), Some(Fold { fold, count })) if folds.len() == count => Ok(&folds[fold]),
        (Some(folds), Some(Fold { fold, count })) => {
            Err(format!("the split has {} folds, and {fold}/{count} is not one of them", folds.len()))
        }
    }
}

impl Dataset {
    /// The split of a JSON file with the lists `train` and `validation` (or `val`), or with a list of such pairs for several
    /// folds.
    ///
    /// # Errors
    /// When the file is damaged, has another number of folds, or names a case that does not exist.
    pub fn read_split(&self, path: &Path, fold: Option<Fold>) -> Result<Split, DatasetError> {
        let error = |problem: String| DatasetError { path: path.into(), problem };
        let text = std::fs::read_to_string(path).map_err(|e| error(format!("cannot read the split: {e}")))?;
        let json: Value = serde_json::from_str(&text).map_err(|e| error(format!("the split is damaged: {e}")))?;
        let json = lists(&json, fold).map_err(error)?;
        let list = |key: &str| -> Option<Vec<String>> {
            json.get(key)?
                .as_array()?
                .iter()
                .map(|v| v.as_str().map(|s| self.endings.case_name(Path::new(s))))
                .collect()
        };
        let train = list("train").ok_or_else(|| error("the list `train` is missing".into()))?;
        let validation = list("validation")
            .or_else(|| list("val"))
            .ok_or_else(|| error("the list `validation` is missing".into()))?;
        let all: Vec<&String> = train.iter().chain(&validation).collect();
        if let Some(name) = all.iter().find(|name| self.case(name).is_none()) {
            return Err(error(format!("the split names the case {name:?}, which the data set does not have")));
        }
        if let Some(name) = train.iter().find(|name| validation.contains(name)) {
            return Err(error(format!(
                "the case {name:?} is in `train` and in `validation`; what is learned from cannot be held back"
            )));
        }
        if let Some(name) = all.iter().find(|name| all.iter().filter(|other| other == name).count() > 1) {
            return Err(error(format!("the split names the case {name:?} twice")));
        }
        Ok(Split { train, validation })
    }

    /// Every fifth case is held back, in the order of names; of two to four cases the last.
    pub fn default_split(&self) -> Split {
        let mut split = Split { train: Vec::new(), validation: Vec::new() };
        let count = self.cases.len();
        for (n, case) in self.cases.iter().enumerate() {
            let held_back = n % 5 == 4 || ((2..5).contains(&count) && n + 1 == count);
            if held_back { &mut split.validation } else { &mut split.train }.push(case.name.clone());
        }
        split
    }

    /// One of several folds: every `count`-th case from the `fold`-th is held back, in the order of names.
    pub fn fold(&self, Fold { fold, count }: Fold) -> Split {
        let mut split = Split { train: Vec::new(), validation: Vec::new() };
        for (n, case) in self.cases.iter().enumerate() {
            if n % count == fold { &mut split.validation } else { &mut split.train }.push(case.name.clone());
        }
        split
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fold_of_a_file_of_several_is_chosen() {
        let json = serde_json::json!([{"train": ["a"], "val": ["b"]}, {"train": ["b"], "val": ["a"]}]);
        let of = |fold, count| lists(&json, Some(Fold { fold, count })).map(|found| found["val"][0].clone());
        assert_eq!(of(1, 2).unwrap(), "a");
        assert!(of(1, 5).unwrap_err().contains("2 folds"));
        assert!(lists(&json, None).unwrap_err().contains("0/2"));
        let single = serde_json::json!([{"train": ["a"], "val": ["b"]}]);
        assert_eq!(lists(&single, None).unwrap()["val"][0], "b");
        assert!(lists(&serde_json::json!([]), None).unwrap_err().contains("no folds"));
        assert!(lists(&json[0], Some(Fold { fold: 0, count: 2 })).is_err());
        assert!("5/5".parse::<Fold>().is_err() && "0/1".parse::<Fold>().is_err());
    }
}
